import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { makeTerminal, startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';

/** A foreign Modbus TCP server: a bank of registers for each unit, and ways to misbehave. Written for these tests only. */
async function startDevice() {
  const units = new Map<number, Map<number, number>>();
  const requests: { unit: number; functionCode: number; address: number; count: number }[] = [];
  const sockets = new Set<Socket>();
  /** What to do with a request instead of answering it properly. */
  let misbehave: ((answer: Buffer, socket: Socket, unit: number) => boolean) | undefined;

  function answer(unit: number, pdu: Buffer): Buffer {
    const functionCode = pdu.readUInt8(0);
    const address = pdu.readUInt16BE(1);
    const word = pdu.readUInt16BE(3);
    const registers = units.get(unit);
    requests.push({ unit, functionCode, address, count: word });
    if (!registers) return Buffer.from([functionCode | 0x80, 0x0b]);
    if (functionCode === 6) {
      registers.set(address, word);
      return pdu;
    }
    const words = Array.from({ length: word }, (_, i) => registers.get(address + i));
    if (words.includes(undefined)) return Buffer.from([functionCode | 0x80, 2]);
    const data = Buffer.alloc(2 + 2 * word);
    data.writeUInt8(functionCode, 0);
    data.writeUInt8(2 * word, 1);
    for (const [i, value] of words.entries()) data.writeUInt16BE(value ?? 0, 2 + 2 * i);
    return data;
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    let rest = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      rest = Buffer.concat([rest, data]);
      while (rest.length >= 6 && rest.length >= 6 + rest.readUInt16BE(4)) {
        const frame = rest.subarray(0, 6 + rest.readUInt16BE(4));
        rest = rest.subarray(frame.length);
        const unit = frame.readUInt8(6);
        const pdu = answer(unit, frame.subarray(7));
        const reply = Buffer.concat([frame.subarray(0, 7), pdu]);
        reply.writeUInt16BE(pdu.length + 1, 4);
        if (!misbehave?.(reply, socket, unit)) socket.write(reply);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    requests,
    sockets,
    setUnit: (unit: number, registers: Record<number, number>) =>
      units.set(unit, new Map(Object.entries(registers).map(([key, word]) => [Number(key), word]))),
    register: (unit: number, register: number) => units.get(unit)?.get(register),
    misbehave(how: typeof misbehave): void {
      misbehave = how;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const zeros = (from: number, to: number) =>
  Object.fromEntries(Array.from({ length: to - from + 1 }, (_, i) => [from + i, 0]));
const MIDEA = {
  ...zeros(0, 22),
  ...zeros(100, 199),
  11: 35,
  16: 1,
  104: 28,
  105: 32,
  107: 65532,
  143: 0,
  144: 31718,
  150: 87,
};
const SDM120 = { ...zeros(0, 79), 0: 0x4366, 1: 0x3334, 70: 0x4248, 72: 0x447a, 73: 0x2000 };

const pump = (gateway: TestGateway, id: string, port: number, unit: number, profile = 'midea-m-thermal') =>
  makeTerminal(gateway.admin, { id, profile, connection: { type: 'modbus', line: { host: '127.0.0.1', port }, unit } });

const latestValue = async (gateway: TestGateway, id: string, metric: string) =>
  (await gateway.admin.latest(id)).values[metric]?.value;

describe('polling', () => {
  test('a heat pump and a meter on one line give their values, with the fewest requests', async () => {
    await using device = await startDevice();
    await using gateway = await startTestGateway();
    device.setUnit(1, MIDEA);
    device.setUnit(2, SDM120);
    await pump(gateway, 'pump', device.port, 1);
    await pump(gateway, 'meter', device.port, 2, 'eastron-sdm120');
    await eventually(async () => (await latestValue(gateway, 'meter', 'energy_kwh')) === 1000.5);
    expect((await gateway.admin.latest('pump')).values).toMatchObject({
      supply_c: { value: 32 },
      return_c: { value: 28 },
      outdoor_c: { value: -4 },
      setpoint_c: { value: 35 },
      energy_kwh: { value: 317.18 },
      power_kw: { value: 0.87 },
      power_on: { value: 1 },
    });
    const first = device.requests.filter(({ unit }) => unit === 1).slice(0, 2);
    expect(first).toEqual([
      { unit: 1, functionCode: 3, address: 1, count: 16 },
      { unit: 1, functionCode: 3, address: 100, count: 100 },
    ]);
  });

  test('a device that does not answer is offline, its neighbours go on, and it comes back by itself', async () => {
    await using device = await startDevice();
    await using gateway = await startTestGateway();
    device.setUnit(1, MIDEA);
    device.setUnit(2, SDM120);
    device.misbehave((_answer, _socket, unit) => unit === 1);
    await pump(gateway, 'dead', device.port, 1);
    await pump(gateway, 'alive', device.port, 2, 'eastron-sdm120');
    await eventually(async () => (await gateway.admin.latest('alive')).status === 'online');
    expect((await gateway.admin.latest('dead')).status).toBe('unknown');
    device.misbehave(undefined);
    await eventually(async () => (await gateway.admin.latest('dead')).status === 'online', 15_000);
  });

  test('an answer that comes after its time-out is never taken for the next one', async () => {
    await using device = await startDevice();
    await using gateway = await startTestGateway();
    device.setUnit(1, SDM120);
    device.setUnit(2, { ...SDM120, 72: 0x4500, 73: 0 });
    let late = 0;
    device.misbehave((answer, socket, unit) => {
      if (unit !== 1 || late >= 2) return false;
      late += 1;
      setTimeout(() => socket.write(answer), 1_050);
      return true;
    });
    await pump(gateway, 'slow', device.port, 1, 'eastron-sdm120');
    await pump(gateway, 'quick', device.port, 2, 'eastron-sdm120');
    await eventually(async () => (await latestValue(gateway, 'slow', 'energy_kwh')) === 1000.5, 15_000);
    await eventually(async () => (await latestValue(gateway, 'quick', 'energy_kwh')) === 2048);
    const { body } = await gateway.admin.get<{ points: { value: number }[] }>(
      `/terminals/quick/readings?metric=energy_kwh&from=${Date.now() - 60_000}&to=${Date.now() + 1000}`,
    );
    expect(new Set(body.points.map(({ value }) => value))).toEqual(new Set([2048]));
  });

  test.each<[string, (answer: Buffer, socket: Socket) => void]>([
    ['a truncated frame', (answer, socket) => socket.write(answer.subarray(0, answer.length - 3))],
    ['noise before the frame', (_answer, socket) => socket.write(Buffer.from('garbage!garbage!'))],
    ['a closed connection', (_answer, socket) => socket.destroy()],
    [
      'another unit’s answer',
      (answer, socket) => socket.write(Buffer.concat([answer.subarray(0, 6), Buffer.from([9]), answer.subarray(7)])),
    ],
    [
      'an answer that is too short',
      (answer, socket) => {
        const short = Buffer.from([...answer.subarray(0, 8), 2, 1, 2]);
        short.writeUInt16BE(5, 4);
        socket.write(short);
      },
    ],
  ])('%s costs a poll, and the next ones are right', async (_case, damage) => {
    await using device = await startDevice();
    await using gateway = await startTestGateway();
    device.setUnit(1, SDM120);
    let left = 1;
    device.misbehave((answer, socket) => {
      if (left-- <= 0) return false;
      damage(answer, socket);
      return true;
    });
    await pump(gateway, 'meter', device.port, 1, 'eastron-sdm120');
    await eventually(async () => (await latestValue(gateway, 'meter', 'energy_kwh')) === 1000.5, 15_000);
    expect(await latestValue(gateway, 'meter', 'voltage_v')).toBe(230.2);
    const { body } = await gateway.admin.get<{ items: object[] }>('/quarantine?terminalId=meter');
    expect(body.items).toEqual([]);
  });
});

describe('commands', () => {
  test('are written into the register, taken by the answer and confirmed by the next poll', async () => {
    await using device = await startDevice();
    await using gateway = await startTestGateway();
    device.setUnit(1, MIDEA);
    await pump(gateway, 'pump', device.port, 1);
    await eventually(async () => (await gateway.admin.latest('pump')).status === 'online');
    const { status, body } = await gateway.admin.command('pump', { command: 'power', value: 'off' });
    expect(status).toBe(202);
    const done = await eventually(async () => {
      const command = await gateway.admin.commandState(body.id);
      return command.state === 'confirmed' && command;
    });
    expect(done.history.map(({ state }) => state)).toEqual(['queued', 'sent', 'acknowledged', 'confirmed']);
    expect(device.register(1, 16)).toBe(0);
    expect(await latestValue(gateway, 'pump', 'power_on')).toBe(0);
  });

  test('that the device takes but does not do are never shown as done', async () => {
    await using device = await startDevice();
    await using gateway = await startTestGateway();
    device.setUnit(1, MIDEA);
    device.misbehave((answer, socket) => {
      if (answer.readUInt8(7) !== 6) return false;
      device.setUnit(1, MIDEA);
      socket.write(answer);
      return true;
    });
    await pump(gateway, 'pump', device.port, 1);
    await eventually(async () => (await gateway.admin.latest('pump')).status === 'online');
    const { body } = await gateway.admin.command('pump', { command: 'setpoint', value: 45 });
    await eventually(async () => (await gateway.admin.commandState(body.id)).state === 'acknowledged');
    const polls = device.requests.length;
    await eventually(() => device.requests.length > polls + 4);
    expect((await gateway.admin.commandState(body.id)).state).toBe('acknowledged');
  });

  test('that the device refuses are rejected, with its exception as the cause', async () => {
    await using device = await startDevice();
    await using gateway = await startTestGateway();
    device.setUnit(1, MIDEA);
    device.misbehave((answer, socket) => {
      if (answer.readUInt8(7) !== 6) return false;
      const exception = Buffer.concat([answer.subarray(0, 7), Buffer.from([0x86, 3])]);
      exception.writeUInt16BE(3, 4);
      socket.write(exception);
      return true;
    });
    await pump(gateway, 'pump', device.port, 1);
    const { body } = await gateway.admin.command('pump', { command: 'power', value: 'off' });
    const command = await eventually(async () => {
      const now = await gateway.admin.commandState(body.id);
      return now.state === 'rejected' && now;
    });
    expect(command.history.at(-1)?.detail).toContain('exception 03');
  });

  test('are not written when they have expired by their turn on the line', async () => {
    await using device = await startDevice();
    await using gateway = await startTestGateway();
    device.setUnit(1, MIDEA);
    await pump(gateway, 'pump', device.port, 1);
    await eventually(async () => (await gateway.admin.latest('pump')).status === 'online');
    // The poll that is under way takes longer than the command lives, and still answers within its time-out.
    let held = false;
    device.misbehave((answer, socket) => {
      if (held) return false;
      held = true;
      setTimeout(() => socket.write(answer), 2_000);
      return true;
    });
    await eventually(() => held);
    const { body } = await gateway.admin.command('pump', { command: 'power', value: 'off', expiresInS: 1 });
    const command = await eventually(async () => {
      const now = await gateway.admin.commandState(body.id);
      return now.state === 'expired' && now;
    });
    expect(command.history.map(({ state }) => state)).toEqual(['queued', 'expired']);
    const polls = device.requests.length;
    await eventually(() => device.requests.length > polls + 2);
    expect(device.requests.filter(({ functionCode }) => functionCode === 6)).toEqual([]);
  });

  test('go before the polls of a slow line', async () => {
    await using device = await startDevice();
    await using gateway = await startTestGateway();
    // Each answer takes 300 ms, so twenty units keep the line busy for longer than the command lives.
    device.misbehave((answer, socket) => {
      setTimeout(() => socket.write(answer), 300);
      return true;
    });
    for (let unit = 1; unit <= 20; unit += 1) {
      device.setUnit(unit, MIDEA);
      await pump(gateway, `pump-${unit}`, device.port, unit);
    }
    await eventually(() => device.requests.length > 3);
    const quick = await gateway.admin.command('pump-20', { command: 'power', value: 'off', expiresInS: 5 });
    await eventually(() => device.register(20, 16) === 0, 5_000);
    expect((await gateway.admin.commandState(quick.body.id)).state).not.toBe('expired');
    expect(device.requests.filter(({ functionCode }) => functionCode === 6)).toHaveLength(1);
  });

  test('for a line that is down wait, and expire without having been sent', async () => {
    await using gateway = await startTestGateway();
    await pump(gateway, 'pump', 9, 1);
    const { body } = await gateway.admin.command('pump', { command: 'power', value: 'off', expiresInS: 1 });
    const command = await eventually(async () => {
      const now = await gateway.admin.commandState(body.id);
      return now.state === 'expired' && now;
    });
    expect(command.history.map(({ state }) => state)).toEqual(['queued', 'expired']);
  });
});

test('when the last terminal of a line is removed, its connection is closed', async () => {
  await using device = await startDevice();
  await using gateway = await startTestGateway();
  device.setUnit(1, SDM120);
  device.setUnit(2, SDM120);
  await pump(gateway, 'one', device.port, 1, 'eastron-sdm120');
  await pump(gateway, 'two', device.port, 2, 'eastron-sdm120');
  await eventually(async () => (await gateway.admin.latest('two')).status === 'online');
  const [socket] = device.sockets;
  await gateway.admin.delete('/terminals/one');
  const polls = device.requests.length;
  await eventually(() => device.requests.length > polls + 1);
  expect(device.requests.slice(polls + 1).every(({ unit }) => unit === 2)).toBe(true);
  expect(socket?.destroyed).toBe(false);
  await gateway.admin.delete('/terminals/two');
  await eventually(() => socket?.destroyed === true);
});

describe('a line that is changed for all of its terminals at once', () => {
  const both = (gateway: TestGateway, change: object, port: number) =>
    gateway.admin.patch<{ id: string; terminalIds: string[] }>(
      `/modbus/lines/${encodeURIComponent(`127.0.0.1:${port}`)}`,
      { line: change },
    );

  test('with other settings is opened anew, and they go on with those', async () => {
    await using device = await startDevice();
    await using gateway = await startTestGateway();
    for (const unit of [1, 2]) device.setUnit(unit, SDM120);
    await pump(gateway, 'one', device.port, 1, 'eastron-sdm120');
    await pump(gateway, 'two', device.port, 2, 'eastron-sdm120');
    await eventually(async () => (await gateway.admin.latest('two')).status === 'online');
    const [old] = device.sockets;
    const line = { host: '127.0.0.1', port: device.port, pauseMs: 5 };
    expect((await both(gateway, line, device.port)).body).toEqual({
      id: `127.0.0.1:${device.port}`,
      terminalIds: ['one', 'two'],
    });
    await eventually(() => old?.destroyed === true);
    const polls = device.requests.length;
    await eventually(() => new Set(device.requests.slice(polls).map(({ unit }) => unit)).size === 2);
    expect((await gateway.admin.get<{ items: unknown[] }>('/modbus/lines')).body.items).toHaveLength(1);
    const connections = (await gateway.admin.get<{ items: { connection: unknown }[] }>('/terminals')).body.items;
    expect(connections.map(({ connection }) => connection)).toEqual(
      [1, 2].map((unit) => ({ type: 'modbus', line, unit })),
    );
  });

  test('to another address is left, and they are asked there', async () => {
    await using device = await startDevice();
    await using other = await startDevice();
    await using gateway = await startTestGateway();
    for (const unit of [1, 2]) for (const one of [device, other]) one.setUnit(unit, SDM120);
    await pump(gateway, 'one', device.port, 1, 'eastron-sdm120');
    await pump(gateway, 'two', device.port, 2, 'eastron-sdm120');
    await eventually(async () => (await gateway.admin.latest('two')).status === 'online');
    const { status, body } = await both(gateway, { host: 'LOCALHOST.', port: other.port }, device.port);
    expect([status, body.id]).toEqual([200, `127.0.0.1:${other.port}`]);
    await eventually(() => new Set(other.requests.map(({ unit }) => unit)).size === 2);
    await eventually(() => [...device.sockets].every(({ destroyed }) => destroyed));
  });
});
