import { expect, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import type { QuarantineCount, Quarantined } from '../../src/http/schemas/readings.ts';
import {
  type Answer,
  type ApiClient,
  connectTerminal,
  makeTerminal,
  publish,
  sendReading,
  type TestTerminal,
} from '../helpers/gateway.ts';
import { adminOf, spawnGateway } from '../helpers/process.ts';
import { noInflux1, startInflux1 } from '../helpers/servers.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';
import { killRounds } from '../soak/kill-rounds.ts';

/** The seed with which a failure can be repeated: `npm run soak -- --seed`. */
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

async function storedTimes(admin: ApiClient, id: string): Promise<number[]> {
  const { body } = await admin.get<{ points: { time: string }[] }>(
    `/terminals/${id}/readings?metric=room_c&from=${Date.now() - 86_400_000}&to=${Date.now() + 60_000}`,
  );
  return body.points.map(({ time }) => Date.parse(time));
}

test('killed 20 times under load, gateways have every reading that they acknowledged, once and with its value', async () => {
  // Two at once, as most of a round is the start, which keeps one core busy.
  const chains = [SEED, SEED + 1].map(async (seed) => ({ seed, ...(await killRounds({ rounds: 10, seed })) }));
  for (const { seed, ...tally } of await Promise.all(chains)) {
    expect(tally, `seed ${seed}`).toMatchObject({ lost: 0, doubled: 0, wrong: 0 });
    expect(tally.found).toBeGreaterThanOrEqual(tally.acknowledged);
    expect(tally.acknowledged).toBeGreaterThan(200);
  }
}, 300_000);

test('so it has them in InfluxDB', async ({ skip }) => {
  skip(noInflux1 !== undefined, noInflux1);
  await using folder = await tempFolder();
  const port = await freePort();
  await using _influx = await startInflux1(folder.path, port);
  const settings = {
    HEARTHGATE_TIMESERIES__KIND: 'influx1',
    HEARTHGATE_TIMESERIES__URL: `http://127.0.0.1:${port}`,
  };
  const tally = await killRounds({ rounds: 10, seed: SEED, settings });
  expect(tally, `seed ${SEED}`).toMatchObject({ lost: 0, doubled: 0, wrong: 0 });
  expect(tally.acknowledged).toBeGreaterThan(200);
}, 120_000);

test('killed with SIGKILL under refused messages, every acknowledged one is in quarantine and counted', async () => {
  await using folder = await tempFolder();
  const ports = { http: await freePort(), mqtt: await freePort() };
  const acknowledged: string[] = [];
  {
    await using gateway = await spawnGateway(folder.path, ports);
    const terminal = await makeTerminal(await adminOf(gateway), { id: 'A', profile: 'gas-boiler' });
    const client = await connectTerminal(gateway, terminal);
    const send = (n: number) =>
      publish(client, 'terminals/A/readings', `no JSON ${n} `).then(() => acknowledged.push(`no JSON ${n} `));
    // Many at once, so that the kill falls into a commit; those that it cuts off never end.
    for (let n = 0; n < 900; n += 1) send(n).catch(() => undefined);
    await eventually(() => acknowledged.length >= 100);
    await gateway.kill();
    await client.endAsync(true);
  }
  await using gateway = await spawnGateway(folder.path, ports);
  const admin = await adminOf(gateway);
  const frames: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: string = `/quarantine?terminalId=A&limit=500${cursor && `&cursor=${cursor}`}`;
    const { body }: Answer<{ items: Quarantined[]; nextCursor: string | null }> = await admin.get(page);
    frames.push(...body.items.map(({ frame }) => frame));
    cursor = body.nextCursor;
  }
  expect(acknowledged.filter((frame) => !frames.includes(frame))).toEqual([]);
  const { body: counts } = await admin.get<{ items: QuarantineCount[] }>('/quarantine/counts?terminalId=A');
  expect(counts.items).toMatchObject([{ reason: 'bad_json', count: frames.length }]);
}, 60_000);

test('a reading that was sent again because its acknowledgement was lost is stored once', async () => {
  await using folder = await tempFolder();
  const ports = { http: await freePort(), mqtt: await freePort() };
  let terminal: TestTerminal;
  const time = Date.now();
  {
    await using gateway = await spawnGateway(folder.path, ports);
    terminal = await makeTerminal(await adminOf(gateway), { id: 'A', profile: 'gas-boiler' });
    const client = await connectTerminal(gateway, terminal);
    await sendReading(client, 'A', { room_c: 20 }, time);
    await client.endAsync(true);
    await gateway.kill();
  }
  await using gateway = await spawnGateway(folder.path, ports);
  const admin = await adminOf(gateway);
  const client = await connectTerminal(gateway, terminal);
  await sendReading(client, 'A', { room_c: 20 }, time);
  await sendReading(client, 'A', { room_c: 21 }, time + 1);
  await client.endAsync();
  expect(
    await eventually(async () => (await storedTimes(admin, 'A')).includes(time + 1) && storedTimes(admin, 'A')),
  ).toEqual([time, time + 1]);
}, 60_000);
