import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import modbusSerial from 'modbus-serial';
import { expect, onTestFinished, test } from 'vitest';
import type { FaultKind } from '../../device-sim/faults.ts';
import { type Fleet, startFleet } from '../../device-sim/fleet-run.ts';
import { decodeValue, encodeValue, type Words } from '../../device-sim/modbus-codec.ts';
import { freePort, hurried, profiles, soon } from './stage.ts';

interface Scene {
  readonly fleet: Fleet;
  readonly port: number;
}

/** Unit 1 a heat pump, unit 2 its meter. */
async function startLine(profile = 'midea-m-thermal'): Promise<Scene> {
  const port = await freePort();
  const line = { host: '127.0.0.1', port };
  const fleet = await startFleet({
    fleet: {
      seed: 1,
      terminals: [
        { id: 'hp1', profile, line, unit: 1, house: 'h1' },
        { id: 'em1', profile: 'eastron-sdm120', line, unit: 2, house: 'h1' },
      ],
    },
    profiles,
    mqttUrl: 'mqtt://127.0.0.1:9',
    everyS: 60,
    pace: hurried,
  });
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  return { fleet, port };
}

async function clientAt(port: number, unit: number): Promise<InstanceType<typeof modbusSerial.default>> {
  const client = new modbusSerial.default();
  await client.connectTCP('127.0.0.1', { port });
  client.setID(unit);
  client.setTimeout(2_000);
  onTestFinished(() => client.destroy(() => undefined));
  return client;
}

async function rawAt(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** Collects bytes until there are so many. */
async function receive(socket: Socket, bytes: number): Promise<string> {
  let all = Buffer.alloc(0);
  while (all.length < bytes) {
    const [more] = await once(socket, 'data');
    all = Buffer.concat([all, more]);
  }
  return all.toString('hex');
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('a client reads the values that the house truly has', async () => {
  const { fleet, port } = await startLine();
  const pump = await clientAt(port, 1);
  const { data } = await pump.readHoldingRegisters(100, 100);
  const truth = fleet.values('hp1');
  expect(data[5]).toBe(Math.round(Number(truth['supply_c'])));
  expect(((data[43] ?? 0) * 65_536 + (data[44] ?? 0)) / 100).toBeCloseTo(Number(truth['energy_kwh']), 2);
  const meter = await clientAt(port, 2);
  const { buffer } = await meter.readInputRegisters(0, 2);
  expect(buffer.readFloatBE(0)).toBeCloseTo(Number(fleet.values('em1')['voltage_v']), 1);
});

test('glued frames are answered in order', async () => {
  const { port } = await startLine();
  const socket = await rawAt(port);
  socket.write(hex('0001 0000 0006 01 03 0010 0001 0002 0000 0006 01 03 0010 0001'));
  expect(await receive(socket, 22)).toBe('0001000000050103020001' + '0002000000050103020001');
});

test('a frame split into single bytes is answered once it is whole', async () => {
  const { port } = await startLine();
  const socket = await rawAt(port);
  for (const byte of hex('1234 0000 0006 01 03 0010 0001')) {
    socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await receive(socket, 11)).toBe('1234000000050103020001');
});

test('bytes that are no Modbus cost the connection', async () => {
  const { port } = await startLine();
  const socket = await rawAt(port);
  socket.write('GET / HTTP/1.1\r\n\r\n');
  await once(socket, 'close');
});

test.each([
  ['a function that the device lacks', '01 01 0000 0001', '01 81 01'],
  ['coils, which it lacks too', '01 05 0000 FF00', '01 85 01'],
  ['input registers of a device that has none', '01 04 0064 0001', '01 84 01'],
  ['a stretch that reaches past the readable range', '01 03 0000 0018', '01 83 02'],
  ['a gap between the readable ranges', '01 03 0032 0001', '01 83 02'],
  ['no registers at all', '01 03 0000 0000', '01 83 03'],
  ['more registers than fit', '01 03 0064 007E', '01 83 03'],
  ['writing where no command lies', '01 06 0069 0001', '01 86 02'],
  ['writing a setpoint that is out of range', '01 06 000B 0064', '01 86 03'],
  ['writing many with a wrong byte count', '01 10 000B 0001 03 0028', '01 90 03'],
  ['a unit that is not there', '09 03 0000 0001', '09 83 0b'],
])('%s is answered with an exception', async (_name, request, answer) => {
  const { port } = await startLine();
  const socket = await rawAt(port);
  const body = hex(request);
  socket.write(Buffer.concat([hex('0007 0000 00'), Buffer.of(body.length), body]));
  expect(await receive(socket, 9)).toBe(`000700000003${answer.replaceAll(' ', '')}`);
});

test('a write is read back at once and then changes the house', async () => {
  const { fleet, port } = await startLine();
  const pump = await clientAt(port, 1);
  await pump.writeRegister(11, 50);
  expect((await pump.readHoldingRegisters(11, 1)).data).toEqual([50]);
  await pump.writeRegisters(16, [0]);
  expect((await pump.readHoldingRegisters(16, 1)).data).toEqual([0]);
  await expect.poll(() => fleet.counts().commands, soon).toBe(2);
  expect(fleet.values('hp1')).toMatchObject({ setpoint_c: 50, power_on: false });
  expect((await pump.readHoldingRegisters(11, 6)).data).toEqual([50, 30, 0, 0, 0, 0]);
});

test('what no house knows of is shown as the device was told, and before as in the example of its profile', async () => {
  const { port, fleet } = await startLine('haier-yr-e27');
  const pump = await clientAt(port, 1);
  const { data } = await pump.readHoldingRegisters(101, 6);
  expect(data[5]).toBe(0x561e);
  await pump.writeRegisters(101, [data[0] ?? 0, data[1] ?? 0, data[2] ?? 0, 0, 0x0200, 0x601e]);
  await expect.poll(() => fleet.counts().commands, soon).toBe(1);
  expect((await pump.readHoldingRegisters(105, 2)).data).toEqual([0, 0x601e]);
  await expect(pump.writeRegister(106, 0x561e)).rejects.toThrow('Illegal data address');
});

test('a range that is read one by one is not read together', async () => {
  const { port } = await startLine();
  const pump = await clientAt(port, 1);
  expect((await pump.readHoldingRegisters(205, 1)).data).toEqual([0]);
  await expect(pump.readHoldingRegisters(205, 2)).rejects.toThrow('Illegal data address');
});

test.each([
  ['exception', undefined, /Slave device failure/],
  ['drop', undefined, /Timed out/],
  ['reboot', 60, /Timed out/],
] satisfies [FaultKind, number | undefined, RegExp][])(
  'the fault %s comes when it is asked for',
  async (kind, seconds, trouble) => {
    const { fleet, port } = await startLine();
    const pump = await clientAt(port, 1);
    pump.setTimeout(100);
    fleet.fault('hp1', kind, seconds);
    await expect(pump.readHoldingRegisters(11, 1)).rejects.toMatchObject({ message: expect.stringMatching(trouble) });
  },
);

test('a port in use is said clearly', async () => {
  const { port } = await startLine();
  const line = { host: '127.0.0.1', port };
  const second = startFleet({
    fleet: { seed: 1, terminals: [{ id: 'x', profile: 'eastron-sdm120', line, unit: 1, house: 'h' }] },
    profiles,
    mqttUrl: 'mqtt://127.0.0.1:9',
    everyS: 60,
  });
  await expect(second).rejects.toThrow(`Modbus line 127.0.0.1:${port}: the port is in use`);
});

test('numbers lie in registers scaled, signed, bit by bit and high word first', () => {
  const words: Words = new Map();
  encodeValue(words, 0, { as: 'float32', scale: 1 }, 230.2);
  encodeValue(words, 12, { as: 'float32', scale: 0.001 }, 2.304);
  encodeValue(words, 143, { as: 'uint32', scale: 0.01 }, 317.18);
  encodeValue(words, 107, { as: 'int16', scale: 1 }, -10);
  encodeValue(words, 20, { as: 'uint16', scale: 1, bit: 3 }, 1);
  encodeValue(words, 20, { as: 'uint16', scale: 1, bit: 0 }, 1);
  encodeValue(words, 20, { as: 'uint16', scale: 1, bit: 3 }, 0);
  expect(Object.fromEntries(words)).toEqual({
    0: 0x4366,
    1: 0x3333,
    12: 0x4510,
    13: 0,
    143: 0,
    144: 31_718,
    107: 65_526,
    20: 1,
  });
  expect(decodeValue(words, 107, { as: 'int16', scale: 1 })).toBe(-10);
  expect(decodeValue(words, 143, { as: 'uint32', scale: 0.01 })).toBeCloseTo(317.18);
});
