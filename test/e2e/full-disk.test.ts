import type { MqttClient } from 'mqtt';
import { expect, test } from 'vitest';
import type { Ready } from '../../src/http/schemas/health.ts';
import { closed, connectTerminal, makeTerminal, publish, startTestGateway } from '../helpers/gateway.ts';
import { NO_SMALL_DISK, smallDisk } from '../helpers/small-disk.ts';
import { eventually } from '../helpers/temp.ts';

/** Left over when the disk is filled: enough for some commits. */
const LEFT_BYTES = 400_000;
const AT_ONCE = 100;

test('a full disk: nothing is acknowledged that is not kept, people are told, and it goes on by itself when there is space', async ({
  skip,
}) => {
  await using disk = await smallDisk(80);
  if (!disk) return skip(NO_SMALL_DISK);
  await using gateway = await startTestGateway({ folder: disk.path });
  const terminal = await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' });
  const ready = async () => (await (await fetch(`${gateway.origin}/health/ready`)).json()) as Ready;
  const stateOf = async (name: string) => (await ready()).parts.find((part) => part.name === name)?.state;
  const acknowledged: number[] = [];
  const began = Date.now() - 3_600_000;
  let time = began;

  /** Whether readings were acknowledged before the connection was cut. */
  async function send(client: MqttClient, cut: Promise<false>): Promise<boolean> {
    const times = Array.from({ length: AT_ONCE }, () => ++time);
    const sent = publish(
      client,
      'terminals/A/readings',
      times.map((at) => ({ time: at, values: { room_c: (at % 4_000) / 100 } })),
    );
    const taken = await Promise.race([sent.then(() => true), cut]);
    if (taken) acknowledged.push(...times);
    return taken;
  }

  /** Sends as often as it is acknowledged, at most `times`; whether it always was. */
  async function sendOften(times: number): Promise<boolean> {
    const client = await connectTerminal(gateway, terminal);
    const cut = closed(client).then(() => false as const);
    let taken = true;
    for (let n = 0; taken && n < times; n += 1) taken = await send(client, cut);
    await client.endAsync(true);
    return taken;
  }

  expect(await sendOften(1)).toBe(true);
  expect((await ready()).status).toBe('ok');
  disk.fill(LEFT_BYTES);
  expect(await sendOften(1_000)).toBe(false);
  await eventually(async () => (await ready()).status === 'degraded', 5_000);
  expect(await sendOften(1)).toBe(false);
  expect(await stateOf('spool')).toBe('degraded');
  expect(await stateOf('disk')).toBe('degraded');
  let written = 0;
  const write = () => gateway.admin.post('/companies', { name: `${'x'.repeat(90)}${++written}` });
  let answer = await write();
  while (answer.status === 201 && written < 5_000) answer = await write();
  expect(answer).toMatchObject({ status: 503, body: { code: 'degraded' } });

  disk.free();
  const freedAt = performance.now();
  // No reading comes meanwhile.
  await eventually(async () => (await stateOf('spool')) === 'ok', 10_000);
  expect(await sendOften(1)).toBe(true);
  await eventually(async () => (await ready()).status === 'ok', 10_000 - (performance.now() - freedAt));

  const points = await eventually(async () => {
    const range = `from=${began}&to=${time + 1}`;
    const answer = await gateway.admin.get<{ points: { time: string; value: number }[] }>(
      `/terminals/A/readings?metric=room_c&${range}`,
    );
    const found = answer.body.points.map(({ time: at, value }) => [Date.parse(at), value]);
    return found.length >= acknowledged.length && found;
  }, 20_000);
  const expected = acknowledged.map((at) => [at, (at % 4_000) / 100]);
  // What was on disk when its acknowledgement was lost may be there beside them; nothing is there twice.
  const kept = new Set(acknowledged);
  expect(points.filter(([at]) => kept.has(at ?? 0))).toEqual(expected);
  expect(new Set(points.map(([at]) => at)).size).toBe(points.length);
}, 60_000);
