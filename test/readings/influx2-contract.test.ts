import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { createLog } from '../../src/lib/log.ts';
import type { Refusal, StoreParts } from '../../src/readings/store.ts';
import { inspectInflux2, openInflux2Store } from '../../src/readings/store-influx2.ts';
import { DAY, HOUR, movedClock, record as recordAt } from './influx-stage.ts';

/**
 * What InfluxDB 2.x is asked over HTTP, and what happens by its answers, as its reference says. The meaning of its queries is tested
 * against a real server only, which store.test.ts does where one is named.
 */

interface Asked {
  method: string;
  path: string;
  authorization: string | undefined;
  body: string;
}

type Said = { status: number; body?: string; version?: string } | undefined;

/** Answers as the 2.7 reference says: lists as JSON, writes with 204, queries with CSV; `answer` can say otherwise. */
async function startServer(answer: (asked: Asked) => Said = () => undefined) {
  const asked: Asked[] = [];
  const buckets = new Map<string, { id: string; name: string; retentionRules: unknown }>();

  function usual({ method, path, body }: Asked): { status: number; body: string } {
    const url = new URL(path, 'http://influx');
    if (url.pathname === '/ping') return { status: 204, body: '' };
    if (url.pathname === '/api/v2/write')
      return body === '' ? bad('writing requires points') : { status: 204, body: '' };
    if (url.pathname === '/api/v2/orgs') return { status: 200, body: '{"orgs":[{"id":"0f"}]}' };
    if (!url.pathname.startsWith('/api/v2/buckets')) return { status: 200, body: '' };
    if (method === 'GET') {
      const found = buckets.get(url.searchParams.get('name') ?? '');
      return { status: 200, body: JSON.stringify({ buckets: found ? [found] : [] }) };
    }
    const { name, retentionRules } = JSON.parse(body);
    const id = url.pathname.split('/')[4];
    for (const one of buckets.values()) if (one.id === id) one.retentionRules = retentionRules;
    if (method === 'POST') buckets.set(name, { id: `id-${buckets.size}`, name, retentionRules });
    return { status: 200, body: '{}' };
  }

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
    const said: NonNullable<Said> = answer(one) ?? usual(one);
    response.setHeader('x-influxdb-version', said.version ?? 'v2.7.12');
    const isQuery = one.path.startsWith('/api/v2/query');
    response.writeHead(said.status, {
      'content-type': isQuery && said.status === 200 ? 'text/csv' : 'application/json',
    });
    response.end(said.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const refused: Refusal[] = [];
  const clock = movedClock();
  const options = { url: `http://127.0.0.1:${port}`, token: 'secret', org: '襄汾', bucket: 'heat & gas' };
  return {
    asked,
    refused,
    clock,
    options,
    buckets: () => Object.fromEntries([...buckets.values()].map(({ name, retentionRules }) => [name, retentionRules])),
    writes: (bucket = 'heat & gas') =>
      asked.filter(
        ({ path }) => path.startsWith('/api/v2/write') && path.includes(`${new URLSearchParams({ bucket })}&`),
      ),
    queries: () =>
      asked.filter(({ path }) => path.startsWith('/api/v2/query')).map(({ body }): string => JSON.parse(body).query),
    open: (kept: Partial<StoreParts> = {}) =>
      openInflux2Store(options, {
        clock,
        log: createLog('silent'),
        spoolId: 's1',
        keepRawDays: 0,
        keepRollupDays: 0,
        refuse: async (some) => void refused.push(...some),
        ...kept,
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const bad = (message: string, status = 400) => ({ status, body: JSON.stringify({ code: 'invalid', message }) });
const isWrite = ({ path, body }: Asked) => path.startsWith('/api/v2/write') && body.startsWith('readings');
/** A query's answer: lines of CSV after the annotations. */
const csv = (types: string, names: string, ...rows: string[]) => ({
  status: 200,
  body: [
    `#datatype,string,long,${types}`,
    '#group,false,false',
    '#default,_result,',
    `,result,table,${names}`,
    ...rows,
    '',
  ].join('\r\n'),
});

const now = Date.now();
let later = 0;
const record = (terminalId: string, values: Record<string, number> = { room_c: 20.5 }) =>
  recordAt(now + ++later, values, terminalId);

test('a line that the server calls bad is refused alone, and the rest is stored', async () => {
  await using server = await startServer((asked) =>
    isWrite(asked) && asked.body.includes('terminal=bad') ? bad('unable to parse: bad timestamp') : undefined,
  );
  await using store = await server.open();
  const records = [record('A'), record('B'), record('bad'), record('C'), record('D')];
  await store.write(records);
  expect(server.refused).toMatchObject([{ terminalId: 'bad', reason: 'store_refused', values: { room_c: 20.5 } }]);
  const stored = server.writes().filter(({ body }) => !body.includes('terminal=bad'));
  expect(stored.flatMap(({ body }) => body.split('\n').map((line) => line.slice(18, 19))).sort()).toEqual([
    'A',
    'B',
    'C',
    'D',
  ]);
  expect(await store.position()).toBe(records.at(-1)?.sequence);
});

test('a 422 names the field of another type or the retention: only that is refused', async () => {
  await using server = await startServer((asked) => {
    if (!isWrite(asked)) return undefined;
    const dropped = asked.body.split('\n').filter((line) => line.includes('room_c')).length;
    if (dropped === 0) return undefined;
    const message = `failure writing points to database: partial write: field type conflict: input field "room_c" on measurement "readings" is type float, already exists as type integer dropped=${dropped}`;
    return bad(message, 422);
  });
  await using store = await server.open();
  await store.write([
    record('A', { room_c: 1, supply_c: 2 }),
    record('B', { supply_c: 3 }),
    record('C', { room_c: 4 }),
  ]);
  expect(server.refused).toMatchObject([
    { terminalId: 'A', values: { room_c: 1 }, reason: 'store_refused' },
    { terminalId: 'C', values: { room_c: 4 }, reason: 'store_refused' },
  ]);
  expect(server.writes().at(-2)?.body).toMatch(
    /^readings,terminal=A supply_c=2 \d+\nreadings,terminal=B supply_c=3 \d+$/,
  );

  await using late = await startServer((asked) =>
    isWrite(asked) ? bad('partial write: points beyond retention policy dropped=2', 422) : undefined,
  );
  await using lateStore = await late.open();
  await lateStore.write([record('A'), record('B')]);
  expect(late.refused).toMatchObject([{ reason: 'too_old' }, { reason: 'too_old' }]);
});

test.each([429, 500, 503, 401])(
  'a %d is no fault of the data: nothing is refused, nothing is tried twice here, and the position stays',
  async (status) => {
    await using server = await startServer(({ path }) => (path.startsWith('/api/v2/write') ? { status } : undefined));
    await using store = await server.open();
    await expect(store.write([record('A'), record('B')])).rejects.toMatchObject({ code: 'degraded' });
    expect(server.writes()).toHaveLength(1);
    expect(server.refused).toEqual([]);
    expect(await store.position()).toBe(0);
  },
);

test('a bucket that somebody removed is made again, and the batch is stored at the next attempt', async () => {
  let isGone = false;
  await using server = await startServer(({ path, method }) => {
    if (path === '/api/v2/buckets' && method === 'POST') isGone = false;
    if (isGone && path.startsWith('/api/v2/buckets?')) return { status: 200, body: '{"buckets":[]}' };
    return isGone && path.startsWith('/api/v2/write') ? bad('bucket "heat & gas" not found', 404) : undefined;
  });
  await using store = await server.open();
  isGone = true;
  const one = record('A');
  await expect(store.write([one])).rejects.toMatchObject({ code: 'degraded' });
  await store.write([one]);
  expect(await store.position()).toBe(one.sequence);
});

test('missing buckets are made, lines carry tag, fields and milliseconds, and the position follows them in a bucket that never expires', async () => {
  await using server = await startServer();
  await using store = await server.open();
  const forEver = [{ type: 'expire', everySeconds: 0, shardGroupDurationSeconds: 604_800 }];
  expect(server.buckets()).toEqual({ 'heat & gas': forEver, 'heat & gas_state': forEver });
  const one = record('A', { room_c: 20.5, power_on: 1 });
  await store.write([one]);
  expect(server.writes()).toMatchObject([
    {
      path: `/api/v2/write?${new URLSearchParams({ org: '襄汾', bucket: 'heat & gas', precision: 'ms' })}`,
      authorization: 'Token secret',
      body: `readings,terminal=A room_c=20.5,power_on=1 ${one.time}`,
    },
  ]);
  expect(server.writes('heat & gas_state').map(({ body }) => body)).toEqual([
    `state,name=position%20s1 value=${one.sequence} 0`,
  ]);
});

test('a query names the terminal as a string in which nothing is left to escape', async () => {
  await using server = await startServer();
  await using store = await server.open();
  await store.points({ terminalId: 'x") |> drop() $v', metric: 'room_c', from: 0, to: 1000 }, 5);
  const query = server.queries().at(-1);
  expect(query).toContain('r.terminal == "x%22%29%20%7C%3E%20drop%28%29%20%24v"');
  expect(query).toContain('limit(n: 5)');
});

test('rows of an answer become points, windows and sums over terminals', async () => {
  const midnight = Date.UTC(2026, 10, 23, 16);
  const at = (ms: number) => new Date(midnight + ms).toISOString();
  const values = 'dateTime:RFC3339,string,string,double';
  const columns = '_time,terminal,_field,_value';
  let answer: ReturnType<typeof csv> | undefined;
  await using server = await startServer(({ path }) => (path.startsWith('/api/v2/query') ? answer : undefined));
  await using store = await server.open();
  const series = { terminalId: 'A', metric: 'room_c', from: midnight + 1, to: midnight + DAY };

  answer = csv(values, columns, `,,0,${at(5)},A,room_c,20.25`, `,,1,${at(5)},A%20b,%74ime,1e-7`);
  expect(await store.points(series, 10)).toEqual([
    { time: midnight + 5, value: 20.25 },
    { time: midnight + 5, value: 1e-7 },
  ]);
  expect(await store.newest()).toEqual([
    { terminalId: 'A', metric: 'room_c', time: midnight + 5, value: 20.25 },
    { terminalId: 'A b', metric: 'time', time: midnight + 5, value: 1e-7 },
  ]);
  expect(await store.rows(series, 10)).toMatchObject([{ metric: 'room_c' }, { metric: 'time', value: 1e-7 }]);

  // A server cuts the first window at the start of the range.
  const doubles = (n: number) => Array(n).fill('double').join();
  answer = csv(
    `dateTime:RFC3339,string,${doubles(6)}`,
    '_start,terminal,first,last,min,max,sum,count',
    `,,0,${at(1)},A,20,23,17,23,60,3`,
  );
  expect(await store.windows(series, DAY)).toEqual([
    { time: midnight, first: 20, last: 23, min: 17, max: 23, sum: 60, count: 3, mean: 20 },
  ]);

  answer = csv(`dateTime:RFC3339,${doubles(4)}`, '_start,sum,min,max,terminals', `,,0,${at(1)},50,20,30,2`);
  const group = { ...series, terminalIds: Array.from({ length: 1_500 }, (_, i) => `T${i}`) };
  expect(await store.together(group, DAY, 'mean')).toEqual([
    { time: midnight, sum: 100, min: 20, max: 30, terminals: 4 },
  ]);
});

test('with a limited retention there are roll-ups: hours are marked before the readings, computed by tend, and asked when raw is gone', async () => {
  let due: string[] = [];
  await using server = await startServer(({ path, body }) =>
    path.startsWith('/api/v2/query') && body.includes('== \\"due\\"')
      ? csv('dateTime:RFC3339,string,double', '_time,terminal,_value', ...due)
      : undefined,
  );
  await using store = await server.open({ keepRawDays: 30, keepRollupDays: 400 });
  expect(server.buckets()).toMatchObject({
    'heat & gas': [{ everySeconds: 30 * 86_400, shardGroupDurationSeconds: 86_400 }],
    'heat & gas_rollup': [{ everySeconds: 400 * 86_400 }],
    'heat & gas_state': [{ everySeconds: 0 }],
  });
  const hour = Math.floor(now / HOUR) * HOUR;
  await store.write([recordAt(hour, { room_c: 1 }), recordAt(hour - 5 * DAY, { room_c: 2 }, 'late'), record('A')]);
  await store.write([recordAt(hour - 31 * DAY, { room_c: 3 }, 'old')]);
  expect(server.refused).toMatchObject([{ terminalId: 'old', reason: 'too_old' }]);
  const bodies = server.asked.filter(({ path }) => path.startsWith('/api/v2/write')).map(({ body }) => body);
  expect(bodies[0]?.split('\n').sort()).toEqual(
    [`due due=1 ${hour}`, `due,terminal=late due=1 ${hour - 5 * DAY}`].sort(),
  );
  expect(bodies[1]).toMatch(/^readings/);

  const lateHour = new Date(hour - 5 * DAY).toISOString();
  due = [`,,0,${lateHour},late,1`];
  await store.tend();
  const rollUp = server.queries().find((query) => query.includes('to(bucket: "heat & gas_rollup"'));
  expect(rollUp).toContain(`range(start: ${lateHour}, stop: ${new Date(hour - 5 * DAY + HOUR).toISOString()})`);
  expect(rollUp).toContain('r.terminal == "late"');
  expect(server.asked.at(-1)?.path).toContain('/api/v2/delete');
  expect(JSON.parse(server.asked.at(-1)?.body ?? '')).toMatchObject({
    start: lateHour,
    predicate: '_measurement="due"',
  });

  await store.windows({ terminalId: 'A', metric: 'room_c', from: hour - 60 * DAY, to: hour }, DAY);
  const [hours, raw] = server.queries().slice(-2);
  expect(hours).toContain('from(bucket: "heat & gas_rollup")');
  expect(hours).toContain('r["sum_room_c"]');
  expect(raw).toContain('from(bucket: "heat & gas")');
});

test('an inspection tells of another line of InfluxDB, no buckets, another retention and no right to write, and makes nothing', async () => {
  const forEver = { keepRawDays: 0, keepRollupDays: 0 };
  const troubles = async (server: Awaited<ReturnType<typeof startServer>>, kept = forEver) =>
    (await inspectInflux2(server.options, kept, Date.now)).troubles;
  await using first = await startServer(({ path }) =>
    path === '/ping' ? { status: 204, version: '1.8.10' } : undefined,
  );
  expect(await troubles(first)).toEqual([{ code: 'other_line' }]);
  await using none = await startServer();
  expect(await troubles(none)).toEqual([{ code: 'missing', names: ['heat & gas'] }]);
  expect(none.buckets()).toEqual({});

  let mayWrite = true;
  await using server = await startServer(({ path }) =>
    !mayWrite && path.startsWith('/api/v2/write') ? bad('insufficient permissions', 403) : undefined,
  );
  {
    await using _store = await server.open();
  }
  expect(await troubles(server)).toEqual([]);
  const keptMs = Number.POSITIVE_INFINITY;
  expect(await troubles(server, { keepRawDays: 30, keepRollupDays: 0 })).toEqual([
    { code: 'missing', names: ['heat & gas_rollup'] },
    { code: 'retention', differing: [{ name: 'heat & gas', keptMs, wantedMs: 30 * DAY }] },
  ]);
  mayWrite = false;
  expect(await troubles(server)).toMatchObject([
    { code: 'unwritable', error: { message: expect.stringContaining('403') } },
  ]);
});
