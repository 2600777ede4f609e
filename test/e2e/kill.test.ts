import { expect, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import { type ApiClient, connectTerminal, makeTerminal, sendReading, type TestTerminal } from '../helpers/gateway.ts';
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

test('killed 50 times under load, gateways have every reading that they acknowledged, once and with its value', async () => {
  // Two at once, as most of a round is the start, which keeps one core busy.
  const chains = [SEED, SEED + 1].map(async (seed) => ({ seed, ...(await killRounds({ rounds: 25, seed })) }));
  for (const { seed, ...tally } of await Promise.all(chains)) {
    expect(tally, `seed ${seed}`).toMatchObject({ lost: 0, doubled: 0, wrong: 0 });
    expect(tally.found).toBeGreaterThanOrEqual(tally.acknowledged);
    expect(tally.acknowledged).toBeGreaterThan(500);
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
