import type { MqttClient } from 'mqtt';
import { expect, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import { type ApiClient, connectTerminal, makeTerminal, sendReading, type TestTerminal } from '../helpers/gateway.ts';
import { adminOf, spawnGateway } from '../helpers/process.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

const TERMINALS = 20;
const ROUNDS = 4;

/** Sends readings as fast as they are acknowledged until the connection breaks, and notes the times that were acknowledged. */
async function sendUntilBroken(
  client: MqttClient,
  id: string,
  nextTime: () => number,
  acknowledged: number[],
): Promise<void> {
  // A publish that is under way when the connection breaks never ends by itself.
  const broken = new Promise<false>((resolve) => client.once('close', () => resolve(false)));
  for (;;) {
    const time = nextTime();
    const sent = sendReading(client, id, { room_c: 20, gas_m3: 5 }, time).then(() => true);
    if (!(await Promise.race([sent, broken]))) break;
    acknowledged.push(time);
  }
  await client.endAsync(true);
}

async function storedTimes(admin: ApiClient, id: string): Promise<number[]> {
  const { body } = await admin.get<{ points: { time: string }[] }>(
    `/terminals/${id}/readings?metric=room_c&from=${Date.now() - 86_400_000}&to=${Date.now() + 60_000}`,
  );
  return body.points.map(({ time }) => Date.parse(time));
}

test('killed with SIGKILL under load again and again, every acknowledged reading is there, once', async () => {
  await using folder = await tempFolder();
  const ports = { http: await freePort(), mqtt: await freePort() };
  const acknowledged = new Map<string, number[]>();
  const terminals: TestTerminal[] = [];
  let clock = Date.now() - 3_600_000;
  const nextTime = () => ++clock;

  for (let round = 0; round < ROUNDS; round += 1) {
    await using gateway = await spawnGateway(folder.path, ports);
    if (round === 0) {
      const admin = await adminOf(gateway);
      for (let n = 0; n < TERMINALS; n += 1)
        terminals.push(await makeTerminal(admin, { id: `T${n}`, profile: 'gas-boiler' }));
    }
    const clients = await Promise.all(terminals.map((terminal) => connectTerminal(gateway, terminal)));
    const senders = clients.map((client, n) => {
      const id = `T${n}`;
      const times = acknowledged.get(id) ?? [];
      acknowledged.set(id, times);
      return sendUntilBroken(client, id, nextTime, times);
    });
    const before = [...acknowledged.values()].flat().length;
    // Far enough that the store has some, the spool has some and some are under way.
    await eventually(() => [...acknowledged.values()].flat().length > before + 400 + round * 150, 20_000);
    await gateway.kill();
    await Promise.all(senders);
  }

  await using gateway = await spawnGateway(folder.path, ports);
  const admin = await adminOf(gateway);
  for (const [id, times] of acknowledged) {
    const missing = await eventually(async () => {
      const stored = await storedTimes(admin, id);
      expect(new Set(stored).size).toBe(stored.length);
      const lost = times.filter((time) => !stored.includes(time));
      return lost.length === 0 && 'none';
    });
    expect(missing).toBe('none');
  }
  expect(await gateway.stop()).toBe(0);
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
