import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FaultKind } from '../../device-sim/faults.ts';
import { startDtu, startModbusLine } from '../../device-sim/modbus-server.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { createDialIn } from '../../src/lines/dial-in.ts';
import { createLines, WAYS as REAL } from '../../src/lines/lines.ts';
import { meters } from '../../src/meters/terminals.ts';
import { NO_CREDENTIALS } from '../../src/terminals/credentials.ts';
import { decodeMeter } from '../../src/terminals/decode.ts';
import type { MeterLine } from '../../src/terminals/lines.ts';
import type { Profile } from '../../src/terminals/profile.ts';
import type { Terminal } from '../../src/terminals/registry.ts';
import { eventually } from '../helpers/temp.ts';
import { PASSWORD, profileNamed, simulateMeters } from './stage.ts';

/** Real sockets, meters that misbehave when they are told to, and what a person would then see: the right value or an error. */

const FIRST = '003411001043';
const SECOND = '003411001044';
const GAS = '33010200123456';

const TIMEOUT_MS = 150;
const quick = (profile: Profile): Profile => ({
  ...profile,
  ...(profile.dlt645 && { dlt645: { ...profile.dlt645, timeoutMs: TIMEOUT_MS } }),
  ...(profile.cjt188 && { cjt188: { ...profile.cjt188, timeoutMs: TIMEOUT_MS } }),
});
const electricity = quick(profileNamed('dlt645-meter'));
const gas = quick(profileNamed('cjt188-gas-meter'));

const terminalOf = (address: string, profile: Profile, line: MeterLine): Terminal => ({
  ...{ id: address, profile, connection: { type: 'meter', line, address }, ...NO_CREDENTIALS },
  ...{ householdId: null, householdName: null, householdSince: null, companyId: null, areaCode: null },
  ...{ installedAt: null, createdAt: 0 },
});

type Way = 'a converter' | 'a DTU that dials in';

interface Options {
  knows?: string[];
  refuses?: () => boolean;
  absent?: boolean;
  valveOtherOrder?: boolean;
}

async function startScene(way: Way, options: Options = {}) {
  const stack = new AsyncDisposableStack();
  onTestFinished(() => stack.disposeAsync());
  let round = 0;
  let relay = true;
  let valve = true;
  const truthOf = (number: string) =>
    number === GAS
      ? { gas_m3: 1_000 + round, settled_m3: 900, valve_open: valve, valve_fault: false, battery_low: false }
      : {
          energy_kwh: (number === FIRST ? 10_000 : 20_000) + round,
          energy_sharp_kwh: 1,
          energy_peak_kwh: 2,
          energy_flat_kwh: 3,
          energy_valley_kwh: 4,
          voltage_v: 230,
          current_a: number === FIRST ? 1 : 2,
          power_kw: -0.5,
          power_factor: 0.98,
          power_on: relay,
        };
  const { knows, refuses = () => false, valveOtherOrder = false } = options;
  const gasMeter: Profile = { ...gas, ...(gas.cjt188 && { cjt188: { ...gas.cjt188, valveOtherOrder } }) };
  const profileOf = (number: string) => (number === GAS ? gasMeter : electricity);
  const devices = stack.use(
    simulateMeters(
      [FIRST, SECOND, GAS].map((number) => ({
        number,
        profile: profileOf(number),
        values: () => truthOf(number),
        refuses,
        ...(knows && { knows }),
        obey({ command, value }) {
          if (command === 'power') relay = value === 1;
          else valve = value === 1;
        },
      })),
    ),
  );
  const log = createLog('silent');
  const dialIn = stack.use(createDialIn({ host: '127.0.0.1', connections: 10, registrationMs: 1_000, clock, log }));
  const lines = stack.use(createLines({ dialIn, clock, onUp: () => undefined, closing: () => undefined, ways: REAL }));
  let address: MeterLine;
  if (way === 'a converter') {
    const server = stack.use(await startModbusLine({ host: '127.0.0.1', port: 0, framing: 'rtu' }, devices.parts));
    address = { host: '127.0.0.1', port: server.port, framing: 'rtu' };
  } else address = { listen: await freePort(), registration: 'HG-1', heartbeat: 'hex:FE FE' };
  const line = lines.of(address);
  if ('listen' in address) {
    stack.use(await startDtu({ ...address, gateway: '127.0.0.1' }, devices.parts));
    await eventually(() => line.state().isUp);
  }
  const settings = { password: PASSWORD, passwords: {}, passwordLevel: '02', operator: '00000000' };
  const refused: string[] = [];
  const readings = new Map<string, { time: number; data: ReadonlyMap<string, Buffer> }>();
  const kind = meters({ receiveMeter: async ({ id }, data, time) => void readings.set(id, { data, time }) }, settings);
  const numbers = options.absent ? ['009999999998'] : [FIRST, SECOND, GAS];
  const opened = new Map(
    numbers.map((number) => {
      const terminal = terminalOf(number, profileOf(number), address);
      const parts = { line, clock, periodMs: 1, silentUnits: () => 1, onBack: () => undefined };
      return [
        number,
        { terminal, device: kind.open(terminal, { ...parts, onRefused: (what) => void refused.push(what) }) },
      ];
    }),
  );
  const deviceOf = (number: string) => {
    const one = opened.get(number);
    if (!one) throw new Error(`no meter ${number}`);
    return one;
  };
  return {
    line,
    devices,
    refused,
    deviceOf,
    /** Polls a meter. What comes must be true; gives whether everything did. */
    async poll(number: string): Promise<boolean> {
      round += 1;
      const { terminal, device } = deviceOf(number);
      const polling = device.poll();
      const begun = clock.now();
      const { take } = await polling;
      if (!take) return false;
      await take(terminal);
      const { data, time } = readings.get(number) ?? { data: new Map(), time: 0 };
      const { readings: read, rejects } = decodeMeter(profileOf(number), data, time);
      expect(rejects).toEqual([]);
      // What was asked before a command must not seem to show it.
      expect(time).toBeLessThanOrEqual(begun);
      const truth = Object.entries(truthOf(number)).map(([name, value]) => [name, Number(value)]);
      expect(Object.fromEntries(truth)).toMatchObject(read[0]?.values ?? {});
      return Object.keys(read[0]?.values ?? {}).length === truth.length;
    },
    give: (number: string, command: string, value: string, expiresAt = Date.now() + 60_000, begin = async () => true) =>
      deviceOf(number).device.give({ command, value, expiresAt }, begin),
  };
}

const ONCE: [FaultKind, number?][] = [
  ['delay', 0.2],
  ['delay', 0.4],
  ['drop'],
  ['unit'],
  ['truncate'],
  ['lie'],
  ['glue'],
  ['noise'],
  ['echo'],
  ['exception', 1],
];

describe.each<Way>(['a converter', 'a DTU that dials in'])('through %s', (way) => {
  test.each(ONCE)('after %s %s the next reading is right, and the neighbours’ too', async (kind, seconds) => {
    const scene = await startScene(way);
    for (const number of [FIRST, SECOND, GAS]) expect(await scene.poll(number)).toBe(true);
    for (const number of [FIRST, GAS]) {
      scene.devices.fault(number, kind, seconds);
      await scene.poll(number);
      for (const other of [SECOND, FIRST, GAS])
        expect((await scene.poll(other)) || (await scene.poll(other))).toBe(true);
    }
  });

  test.each<FaultKind>(['glue', 'noise', 'echo'])('%s costs not even one reading', async (kind) => {
    const scene = await startScene(way);
    for (let i = 0; i < 6; i += 1) {
      scene.devices.fault(FIRST, kind);
      scene.devices.fault(GAS, kind);
      expect(await scene.poll(FIRST)).toBe(true);
      expect(await scene.poll(GAS)).toBe(true);
    }
  });

  test('every other answer late never gives a value of the request before', async () => {
    const scene = await startScene(way);
    for (let i = 0; i < 10; i += 1) {
      if (i % 2 === 0) scene.devices.fault(FIRST, 'delay', 0.155 + (i % 5) * 0.03);
      if (i % 3 === 0) scene.devices.fault(GAS, 'delay', 0.16);
      await scene.poll(FIRST);
      await scene.poll(SECOND);
      await scene.poll(GAS);
    }
    expect((await scene.poll(FIRST)) || (await scene.poll(FIRST))).toBe(true);
  });
});

test('a meter that is not there costs one time-out each time', async () => {
  const scene = await startScene('a converter', { absent: true });
  const { device } = scene.deviceOf('009999999998');
  for (let i = 1; i <= 8; i += 1) {
    const { error, take } = await device.poll();
    expect(String(error)).toContain('did not answer');
    expect(take).toBeUndefined();
    expect(device.figures.state()).toMatchObject({ requests: i, failed: i });
  }
  expect(device.breaker.isOpen()).toBe(true);
});

describe('data that a meter does not have', () => {
  test('is not asked for again, and the others are read', async () => {
    const scene = await startScene('a converter');
    scene.devices.fault(FIRST, 'exception', 2);
    // The first read is the block of tariffs: its members are asked one by one instead.
    expect(await scene.poll(FIRST)).toBe(true);
    expect(scene.refused).toEqual(['0001FF00']);
    const before = scene.devices.asked.length;
    expect(await scene.poll(FIRST)).toBe(true);
    const reads = scene.devices.asked.slice(before).map(({ data }) => data);
    expect(reads).not.toContain('00FF0100');
    expect(reads).toContain('00010100');
    expect(scene.deviceOf(FIRST).device.leftOut()).toEqual(['0001FF00']);
    expect(scene.deviceOf(FIRST).device.breaker.isOpen()).toBe(false);
  });
});

describe('a meter of CJ/T 188', () => {
  test('that takes only the other order of bytes is read in that', async () => {
    const scene = await startScene('a converter', { knows: ['901F', 'A017'] });
    expect(await scene.poll(GAS)).toBe(true);
    const before = scene.devices.asked.length;
    expect(await scene.poll(GAS)).toBe(true);
    expect(scene.devices.asked.slice(before).map(({ data }) => data.slice(0, 4))).toEqual(['901F']);
  });

  test('that is silent to the order of bytes that it does not take is read in the other', async () => {
    const scene = await startScene('a converter', { knows: ['901F', 'A017'] });
    scene.devices.fault(GAS, 'drop');
    expect(await scene.poll(GAS)).toBe(false);
    expect(await scene.poll(GAS)).toBe(true);
    const asked = scene.devices.asked.length;
    scene.devices.fault(GAS, 'drop');
    expect(await scene.poll(GAS)).toBe(false);
    // It has answered in this order before, so it is asked in this order again.
    expect(await scene.poll(GAS)).toBe(true);
    expect(scene.devices.asked.slice(asked).map(({ data }) => data.slice(0, 4))).toEqual(['901F']);
  });

  test('whose valve refuses is told once more in the other order where its profile says so', async () => {
    const scene = await startScene('a converter', { knows: ['1F90', '17A0'], valveOtherOrder: true });
    expect(await scene.give(GAS, 'valve', 'close')).toEqual({ result: 'taken' });
    expect(scene.devices.orders).toEqual([{ number: GAS, command: 'valve', value: 0 }]);
    scene.devices.fault(GAS, 'drop');
    await expect(scene.give(GAS, 'valve', 'arm')).rejects.toThrow('did not answer');
    expect(scene.devices.asked.filter(({ control }) => control === 4)).toHaveLength(2);
  });

  test('whose valve refuses is not told again in the other order', async () => {
    const scene = await startScene('a converter', { knows: ['1F90', '17A0'] });
    await expect(scene.give(GAS, 'valve', 'close')).rejects.toThrow('CJ/T 188 error');
    expect(scene.devices.asked.filter(({ control }) => control === 4)).toHaveLength(1);
    expect(scene.devices.orders).toEqual([]);
  });

  test('that says nothing to its valve is told once', async () => {
    const scene = await startScene('a converter');
    scene.devices.fault(GAS, 'drop');
    await expect(scene.give(GAS, 'valve', 'close')).rejects.toThrow('did not answer');
    await scene.poll(GAS);
    expect(scene.devices.asked.filter(({ control }) => control === 4)).toEqual([]);
  });
});

describe('a relay', () => {
  test('is told once when nothing comes back, and the outcome is unknown', async () => {
    const scene = await startScene('a converter');
    scene.devices.fault(FIRST, 'truncate');
    await expect(scene.give(FIRST, 'power', 'off')).rejects.toThrow('did not answer');
    for (let i = 0; i < 3; i += 1) await scene.poll(FIRST);
    expect(scene.devices.asked.filter(({ control }) => control === 0x1c)).toHaveLength(1);
    expect(scene.devices.orders).toEqual([{ number: FIRST, command: 'power', value: 0 }]);
  });

  test('whose meter refuses gives its reason, once', async () => {
    const scene = await startScene('a converter', { refuses: () => true });
    await expect(scene.give(FIRST, 'power', 'off')).rejects.toThrow('DL/T 645 error 04: password wrong');
    expect(scene.devices.asked.filter(({ control }) => control === 0x1c)).toHaveLength(1);
  });

  test('whose meter refuses the password is not told again for a day, so that the meter is not locked', async () => {
    const scene = await startScene('a converter', { refuses: () => true });
    await expect(scene.give(FIRST, 'power', 'off')).rejects.toThrow('password wrong');
    for (const value of ['off', 'on']) {
      expect(await scene.give(FIRST, 'power', value)).toMatchObject({
        result: 'refused',
        reason: expect.stringContaining('meters.password'),
      });
    }
    expect(scene.devices.asked.filter(({ control }) => control === 0x1c)).toHaveLength(1);
    expect(await scene.poll(FIRST)).toBe(true);
    // Its neighbour may have another.
    await expect(scene.give(SECOND, 'power', 'off')).rejects.toThrow('password wrong');
  });

  test('is not said to refuse by a late answer to the order before', async () => {
    let refuses = true;
    const scene = await startScene('a converter', { refuses: () => refuses });
    scene.devices.fault(FIRST, 'delay', 0.5);
    await expect(scene.give(FIRST, 'power', 'off')).rejects.toThrow('did not answer');
    refuses = false;
    // It is due while the next answer, late too, is waited for.
    scene.devices.fault(FIRST, 'delay', 0.1);
    let isTaken = false;
    for (let tries = 0; tries < 5 && !isTaken; tries += 1) {
      const outcome = await scene.give(FIRST, 'power', 'on').catch((error: unknown) => {
        expect(String(error)).toContain('did not answer');
      });
      isTaken = outcome?.result === 'taken';
    }
    expect(isTaken).toBe(true);
    expect(scene.devices.orders).toEqual([{ number: FIRST, command: 'power', value: 1 }]);
  });

  test('is told how long its command lives, and no longer', async () => {
    const scene = await startScene('a converter');
    const expiresAt = Date.now() + 90_000;
    await scene.give(FIRST, 'power', 'off', expiresAt);
    const [order] = scene.devices.asked;
    const until = Buffer.from(order?.data ?? '', 'hex')
      .subarray(10)
      .reverse()
      .toString('hex');
    expect(until).toBe(new Date(expiresAt + 8 * 3_600_000).toISOString().replace(/\D/g, '').slice(2, 14));
  });

  test('is told with a password that nobody sees among the frames of the line, though it comes back', async () => {
    const scene = await startScene('a converter');
    scene.devices.fault(FIRST, 'echo');
    await scene.give(FIRST, 'power', 'off');
    const [frame] = scene.line.frames();
    // Level 02 and the password low byte first, 33 more each.
    const secret = Buffer.from([0x02, 0x01, 0x68, 0x24].map((byte) => byte + 0x33)).toString('hex');
    for (const bytes of [frame?.sent, frame?.heard]) {
      expect(bytes?.toString('hex')).toContain('681c10');
      expect(bytes?.toString('hex')).not.toContain(secret);
    }
  });

  test('that may not be told any more says nothing of its meter', async () => {
    const scene = await startScene('a converter');
    await scene.give(FIRST, 'power', 'off', Date.now() + 60_000, async () => false);
    expect(scene.deviceOf(FIRST).device.answeredAt()).toBe(Number.NEGATIVE_INFINITY);
  });

  test('is not told what is over', async () => {
    const scene = await startScene('a converter');
    await expect(scene.give(FIRST, 'power', 'off', Date.now() - 1)).rejects.toThrow(RangeError);
    expect(await scene.give(FIRST, 'power', 'off', Date.now() + 60_000, async () => false)).toEqual({
      result: 'not_given',
    });
    expect(scene.devices.asked).toEqual([]);
  });

  test('is told for a day at most, however long its command lives', async () => {
    const scene = await startScene('a converter');
    expect(await scene.give(FIRST, 'power', 'off', Date.now() + 30 * 86_400_000)).toEqual({ result: 'taken' });
    const [order] = scene.devices.asked;
    const until = Buffer.from(order?.data ?? '', 'hex')
      .subarray(10)
      .reverse()
      .toString('hex');
    const day = new Date(Date.now() + 86_400_000 + 8 * 3_600_000).toISOString().replace(/\D/g, '').slice(2, 12);
    expect(until.slice(0, 10)).toBe(day);
  });
});

test('a meter of 1997 is said to be one', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      // Function 01 with an identifier of two bytes is all that it knows: 68 43 10 00 11 34 00 68 01 02 43 C3.
      if (bytes.toString('hex').includes('680102')) {
        socket.write(Buffer.from('fefefefe68431000113400688106 43c3 89674533 5d 16'.replaceAll(' ', ''), 'hex'));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const at = server.address();
  const log = createLog('silent');
  using dialIn = createDialIn({ host: '127.0.0.1', connections: 1, registrationMs: 1, clock, log });
  await using lines = createLines({ dialIn, clock, onUp: () => undefined, closing: () => undefined, ways: REAL });
  const address: MeterLine = { host: '127.0.0.1', port: typeof at === 'object' && at ? at.port : 0, framing: 'rtu' };
  const settings = { password: PASSWORD, passwords: {}, passwordLevel: '02', operator: '00000000' };
  const device = meters({ receiveMeter: async () => undefined }, settings).open(
    terminalOf(FIRST, electricity, address),
    {
      ...{ line: lines.of(address), clock, periodMs: 1, silentUnits: () => 1 },
      ...{ onBack: () => undefined, onRefused: () => undefined },
    },
  );
  for (let i = 0; i < 4 && !device.figures.state().lastError?.text.includes('1997'); i += 1) await device.poll();
  expect(device.figures.state().lastError?.text).toContain('a meter of DL/T 645-1997');
});
