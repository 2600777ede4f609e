import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { SpoolRecord } from '../../src/readings/segments.ts';
import { openInflux2Store } from '../../src/readings/store-influx2.ts';

/** What InfluxDB 2.x is asked over HTTP, and what happens by its answers. The queries' meaning is tested against a real server only. */

interface Asked {
  method: string;
  path: string;
  authorization: string | undefined;
  body: string;
}

/** Answers as the 2.7 reference says: lists as JSON, writes with 204, queries with CSV; `answer` can say otherwise. */
async function startServer(answer: (asked: Asked) => { status: number; body?: string } | undefined = () => undefined) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const one = {
      method: request.method ?? '',
      path: request.url ?? '',
      authorization: request.headers.authorization,
      body,
    };
    asked.push(one);
    const said = answer(one);
    const isList = one.method === 'GET';
    const usual = isList ? '{"buckets":[],"orgs":[{"id":"0f"}]}' : one.path.startsWith('/api/v2/buckets') ? '{}' : '';
    response.writeHead(said?.status ?? (one.path.includes('/write') ? 204 : 200), {
      'content-type': usual ? 'application/json' : 'text/csv',
    });
    response.end(said?.body ?? usual);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const refused: string[] = [];
  return {
    asked,
    refused,
    writes: () => asked.filter(({ path }) => path.startsWith('/api/v2/write')),
    open: () =>
      openInflux2Store(
        { url: `http://127.0.0.1:${port}`, token: 'secret', org: '襄汾', bucket: 'heat & gas' },
        {
          clock: systemClock,
          spoolId: 's1',
          refuse: async ({ terminalId }, reason) => void refused.push(`${terminalId}: ${reason}`),
        },
      ),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

let sequence = 0;
const record = (terminalId: string, values: Record<string, number> = { room_c: 20.5 }): SpoolRecord => ({
  sequence: ++sequence,
  terminalId,
  time: 1_795_500_000_000 + sequence,
  values,
});

test('a line that the server calls bad is refused alone, and the rest is stored', async () => {
  await using server = await startServer(({ path, body }) =>
    path.startsWith('/api/v2/write') && body.includes('terminal=bad')
      ? { status: 400, body: '{"code":"invalid","message":"field type conflict"}' }
      : undefined,
  );
  await using store = await server.open();
  const records = [record('A'), record('B'), record('bad'), record('C'), record('D')];
  await store.write(records);
  expect(server.refused).toEqual([expect.stringContaining('bad: ')]);
  const stored = server.writes().filter(({ body }) => !body.includes('terminal=bad') && body.includes('readings'));
  expect(stored.flatMap(({ body }) => body.split('\n').map((line) => line.slice(18, 19))).sort()).toEqual([
    'A',
    'B',
    'C',
    'D',
  ]);
  expect(await store.position()).toBe(records.at(-1)?.sequence);
});

test.each([429, 500, 503, 401, 404])(
  'a %d is no fault of the data: nothing is refused, nothing is tried twice here, and the position stays',
  async (status) => {
    await using server = await startServer(({ path }) => (path.startsWith('/api/v2/write') ? { status } : undefined));
    await using store = await server.open();
    await expect(store.write([record('A'), record('B')])).rejects.toThrow();
    expect(server.writes()).toHaveLength(1);
    expect(server.refused).toEqual([]);
    expect(await store.position()).toBe(0);
  },
);

test('a missing bucket is made, lines carry tag, fields and milliseconds, and the position follows them', async () => {
  await using server = await startServer();
  await using store = await server.open();
  expect(
    server.asked
      .filter(({ path, method }) => path === '/api/v2/buckets' && method === 'POST')
      .map(({ body }) => JSON.parse(body)),
  ).toEqual([{ orgID: '0f', name: 'heat & gas', retentionRules: [] }]);
  const one = record('A', { room_c: 20.5, power_on: 1 });
  await store.write([one]);
  const [lines, position] = server.writes();
  expect(lines).toMatchObject({
    path: `/api/v2/write?${new URLSearchParams({ org: '襄汾', bucket: 'heat & gas', precision: 'ms' })}`,
    authorization: 'Token secret',
    body: `readings,terminal=A power_on=1,room_c=20.5 ${one.time}`,
  });
  expect(position?.body).toMatch(new RegExp(`^position,spool=s1 sequence=${one.sequence} \\d{13}$`));
});

test('a query names the terminal as a string, with everything in it escaped', async () => {
  await using server = await startServer();
  await using store = await server.open();
  await store.points({ terminalId: 'x") |> drop()', metric: 'room_c', from: 0, to: 1000 }, 5);
  const { query } = JSON.parse(server.asked.at(-1)?.body ?? '{}');
  expect(query).toContain('r.terminal == "x\\") |> drop()"');
  expect(query).toContain('limit(n: 5)');
});
