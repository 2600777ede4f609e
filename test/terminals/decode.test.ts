import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeValue, encodeValue } from '../../device-sim/modbus-codec.ts';
import { projectRoot } from '../../src/config.ts';
import { decodeMessage, decodeRegisters, type RegisterFrame } from '../../src/terminals/decode.ts';
import { registerValue, registerWords } from '../../src/terminals/encode.ts';
import { loadProfiles, type Register } from '../../src/terminals/profile.ts';

const boiler = loadProfiles(join(projectRoot, 'config/profiles')).get('gas-boiler');
if (!boiler) throw new Error('no gas-boiler');
const NOW = Date.UTC(2026, 10, 24, 4);
const MAX_FUTURE_MS = 300_000;

const decode = (payload: string | Buffer) =>
  decodeMessage(boiler, Buffer.from(payload), { now: NOW, maxFutureMs: MAX_FUTURE_MS, installedAt: null });
const withValue = (metric: string, raw: string) => `{"time":${NOW},"values":{"${metric}":${raw}}}`;

describe('one value', () => {
  test.each([
    ['a number in range', 'room_c', '20.5', 20.5],
    ['the lowest', 'setpoint_c', '5', 5],
    ['the highest', 'setpoint_c', '30', 30],
    ['minus zero', 'room_c', '-0', 0],
    ['true', 'power_on', 'true', 1],
    ['false', 'power_on', 'false', 0],
    ['below the range', 'setpoint_c', '4.99', 'out_of_range'],
    ['above the range', 'setpoint_c', '30.01', 'out_of_range'],
    ['NaN', 'room_c', 'NaN', 'bad_json'],
    ['Infinity', 'room_c', 'Infinity', 'bad_json'],
    ['-Infinity', 'gas_m3', '-Infinity', 'bad_json'],
    ['1e400, which is read as an infinity', 'room_c', '1e400', 'wrong_type'],
    ['-1e400', 'gas_m3', '-1e400', 'wrong_type'],
    ['a number too small to tell from zero', 'room_c', '1e-400', 0],
    ['2^53 + 1, which no number holds exactly', 'room_c', '9007199254740993', 'out_of_range'],
    ['minus zero of a counter', 'gas_m3', '-0.0', 0],
    ['a number in quotes', 'room_c', '"20.5"', 'wrong_type'],
    ['null', 'room_c', 'null', 'wrong_type'],
    ['a list', 'room_c', '[20]', 'wrong_type'],
    ['a number for a state', 'power_on', '1', 'wrong_type'],
    ['null for a state', 'power_on', 'null', 'wrong_type'],
    ['true for a number', 'room_c', 'true', 'wrong_type'],
    ['a negative counter', 'gas_m3', '-1', 'out_of_range'],
    ['a counter above its roll-over', 'gas_m3', '9007199254740993', 'out_of_range'],
    ['a metric of another device', 'humidity_pct', '40', 'unknown_metric'],
    ['a name that every object has', 'constructor', '1', 'unknown_metric'],
    ['__proto__', '__proto__', '1', 'unknown_metric'],
  ])('%s', (_case, metric, raw, expected) => {
    const { readings, rejects } = decode(withValue(metric, raw));
    if (typeof expected === 'number') {
      expect(rejects).toEqual([]);
      expect(readings).toEqual([{ time: NOW, values: { [metric]: expected } }]);
      expect(Object.is(readings[0]?.values[metric], -0)).toBe(false);
    } else {
      expect(readings).toEqual([]);
      expect(rejects.map(({ reason }) => reason)).toEqual([expected]);
    }
  });
});

test('1e400 is shown as what it was read as', () => {
  expect(decode(withValue('room_c', '1e400')).rejects).toMatchObject([{ detail: 'Infinity is not a finite number' }]);
});

test('a reading from before the terminal was installed is refused, and one from that moment on is kept', () => {
  const bounds = { now: NOW, maxFutureMs: MAX_FUTURE_MS, installedAt: NOW - 1000 };
  const at = (time: number) => decodeMessage(boiler, Buffer.from(`{"time":${time},"values":{"room_c":20}}`), bounds);
  expect(at(NOW - 1001).rejects.map(({ reason }) => reason)).toEqual(['before_installation']);
  expect(at(NOW - 1001).readings).toEqual([]);
  expect(at(NOW - 1000)).toMatchObject({ readings: [{ time: NOW - 1000 }], rejects: [] });
  const registers = { holding: new Map(), input: new Map([[0, 1]]) };
  expect(decodeRegisters(boiler, registers, NOW - 1001, NOW - 1000).rejects).toMatchObject([
    { reason: 'before_installation' },
  ]);
});

describe('the time of a reading', () => {
  test.each([
    ['epoch milliseconds', String(NOW), undefined],
    ['RFC 3339 in UTC', '"2026-11-24T04:00:00Z"', undefined],
    ['RFC 3339 in Shanghai', '"2026-11-24T12:00:00.000+08:00"', undefined],
    ['a little ahead', String(NOW + MAX_FUTURE_MS), undefined],
    ['too far ahead', String(NOW + MAX_FUTURE_MS + 1), 'future_time'],
    ['epoch seconds', String(NOW / 1000), 'bad_time'],
    ['local time without a zone', '"2026-11-24T12:00:00"', 'bad_time'],
    ['a fraction of a millisecond', '1795500000000.5', 'bad_time'],
    ['text', '"yesterday"', 'bad_time'],
    ['missing', undefined, 'bad_payload'],
    ['null', 'null', 'bad_payload'],
  ])('%s', (_case, time, reason) => {
    const { readings, rejects } = decode(`{${time === undefined ? '' : `"time":${time},`}"values":{"room_c":20}}`);
    expect(rejects.map((reject) => reject.reason)).toEqual(reason ? [reason] : []);
    expect(readings).toHaveLength(reason ? 0 : 1);
  });
});

test.each(['{}', '[]', 'null', '"x"'])('values of %s are refused', (values) => {
  expect(decode(`{"time":${NOW},"values":${values}}`).rejects.map(({ reason }) => reason)).toEqual(['bad_payload']);
});

test('good values are kept beside refused ones', () => {
  const { readings, rejects } = decode(`{"time":${NOW},"values":{"room_c":20,"supply_c":"hot","noise_db":3}}`);
  expect(readings).toEqual([{ time: NOW, values: { room_c: 20 } }]);
  expect(rejects.map(({ metric, reason }) => `${metric} ${reason}`)).toEqual([
    'supply_c wrong_type',
    'noise_db unknown_metric',
  ]);
});

test('a backfill of 1,000 readings is taken, and one of 1,001 is refused as a whole', () => {
  const many = (n: number) =>
    JSON.stringify(Array.from({ length: n }, (_, i) => ({ time: NOW - i * 1000, values: { room_c: 20 } })));
  expect(decode(many(1000)).readings).toHaveLength(1000);
  expect(decode(many(1001))).toMatchObject({ readings: [], rejects: [{ reason: 'too_many_readings' }] });
});

test('whatever bytes come, there is an answer and no exception', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => decode(Buffer.from(bytes)).readings.length >= 0));
  fc.assert(fc.property(fc.json(), (text) => decode(text).readings.length >= 0));
});

test('what is written into registers is what is read from them', () => {
  const kinds = {
    uint16: [0, 65535],
    int16: [-32768, 32767],
    uint32: [0, 4294967295],
    int32: [-2147483648, 2147483647],
  } as const;
  const kind = fc.constantFrom<keyof typeof kinds>('uint16', 'int16', 'uint32', 'int32');
  fc.assert(
    fc.property(
      kind,
      fc.constantFrom(1, 0.1, 0.01, 2),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (as, scale, part) => {
        const [low, high] = kinds[as];
        const value = Number((Math.round(low + part * (high - low)) * scale).toPrecision(12));
        const register: Register = { holding: 7, as, scale, absent: [] };
        const words = registerWords(register, value) ?? [];
        const holding = new Map(words.map((word, index) => [7 + index, word]));
        expect(registerValue(register, { holding, input: new Map() })).toBe(value);
      },
    ),
  );
});

test('a bit is changed without touching its neighbours', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 65535 }),
      fc.integer({ min: 0, max: 15 }),
      fc.boolean(),
      (present, bit, on) => {
        const register: Register = { holding: 0, as: 'uint16', scale: 1, absent: [], bit };
        const [word = 0] = registerWords(register, on ? 1 : 0, [present]) ?? [];
        expect((word >> bit) & 1).toBe(on ? 1 : 0);
        expect(word & ~(1 << bit)).toBe(present & ~(1 << bit));
      },
    ),
  );
});

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

test.each([
  ['a message', nested(50_000), 'bad_payload'],
  ['a value', withValue('room_c', nested(50_000)), 'wrong_type'],
  ['a state', withValue('power_on', nested(50_000)), 'wrong_type'],
])('%s that is nested more deeply than can be written is refused like any other', (_case, payload, reason) => {
  expect(decode(payload).rejects.map((reject) => reject.reason)).toEqual([reason]);
});

describe('registers of other makers', () => {
  const base = { holding: 0, scale: 1, absent: [] } satisfies Partial<Register>;
  const frameOf = (...words: number[]): RegisterFrame => ({
    holding: new Map(words.map((word, i) => [i, word])),
    input: new Map(),
    coil: new Map([[3, 1]]),
    discrete: new Map(),
  });

  const LOW_NIBBLE = [
    { word: 0, from: 3, to: 0 },
    { word: 1, from: 15, to: 8 },
  ];
  const TWELVE = [{ word: 0, from: 11, to: 0 }];

  test.each<[string, Register, number[], number | undefined]>([
    ['float32 ABCD', { ...base, as: 'float32' }, [0x4366, 0x3334], 230.2],
    ['float32 CDAB', { ...base, as: 'float32', order: 'cdab' }, [0x3334, 0x4366], 230.2],
    ['float32 BADC', { ...base, as: 'float32', order: 'badc' }, [0x6643, 0x3433], 230.2],
    ['float32 DCBA', { ...base, as: 'float32', order: 'dcba' }, [0x3433, 0x6643], 230.2],
    ['a word with its bytes swapped', { ...base, as: 'uint16', order: 'badc' }, [0x3412], 0x1234],
    ['float64', { ...base, as: 'float64' }, [0x3ff8, 0, 0, 0], 1.5],
    ['uint64, low word first', { ...base, as: 'uint64', order: 'cdab' }, [5, 1, 0, 0], 65_541],
    ['int64', { ...base, as: 'int64' }, [0xffff, 0xffff, 0xffff, 0xfffe], -2],
    ['uint64 that is kept exactly', { ...base, as: 'uint64' }, [0, 0x1c6b, 0xf526, 0x3fff], 31_250_000_003_071],
    ['BCD', { ...base, as: 'bcd32', scale: 0.01 }, [0x0012, 0x3456], 1234.56],
    ['no BCD', { ...base, as: 'bcd16' }, [0x12a4], undefined],
    ['the high byte', { ...base, as: 'uint16', byte: 'high' }, [0x1eff], 30],
    ['the low byte with a sign', { ...base, as: 'int16', byte: 'low' }, [0x1eff], -1],
    ['an absent byte', { ...base, as: 'uint16', byte: 'low', absent: [255] }, [0x1eff], undefined],
    ['four bits, and eight of the next word', { ...base, as: 'uint16', bits: LOW_NIBBLE }, [0xfff1, 0x2dff], 0x12d],
    ['twelve bits with a sign', { ...base, as: 'int16', scale: 0.1, bits: TWELVE }, [0x0fff], -0.1],
    ['the least that twelve bits hold', { ...base, as: 'int16', bits: TWELVE }, [0xf800], -2048],
    ['twelve bits without a sign', { ...base, as: 'uint16', bits: TWELVE }, [0x0fff], 4095],
    ['absent bits', { ...base, as: 'int16', bits: TWELVE, absent: [-1] }, [0xffff], undefined],
    ['bits of which a word is missing', { ...base, as: 'uint16', bits: LOW_NIBBLE }, [1], undefined],
    ['an offset', { ...base, as: 'uint16', scale: 0.5, offset: -40 }, [100], 10],
    ['a value that counts', { ...base, as: 'uint16', validWhen: { coil: 3, bit: 0, is: 1 } }, [7], 7],
    [
      'a value that does not count now',
      { ...base, as: 'uint16', validWhen: { coil: 3, bit: 0, is: 0 } },
      [7],
      undefined,
    ],
    [
      'a value of which nobody knows whether it counts',
      { ...base, as: 'uint16', validWhen: { coil: 4, bit: 0, is: 1 } },
      [7],
      undefined,
    ],
    ['half a value', { ...base, as: 'uint32' }, [7], undefined],
  ])('%s', (_case, register, words, value) => expect(registerValue(register, frameOf(...words))).toBe(value));

  test('what is written is read as the same, in every type and order', () => {
    const as = fc.constantFrom(
      'uint16',
      'int16',
      'uint32',
      'int32',
      'uint64',
      'int64',
      'bcd16',
      'bcd32',
      'float64' as const,
    );
    const order = fc.constantFrom('abcd', 'cdab', 'badc', 'dcba' as const);
    fc.assert(
      fc.property(
        as,
        order,
        fc.integer({ min: 0, max: 9_999 }),
        fc.constantFrom(-40, 0),
        (type, bytes, value, offset) => {
          const register: Register = { ...base, as: type, order: bytes, offset };
          const words = registerWords(register, value + offset);
          expect(words && registerValue(register, frameOf(...words))).toBe(value + offset);
        },
      ),
    );
  });

  test.each<[string, Register, number]>([
    ['less than nothing', { ...base, as: 'uint16' }, -5],
    ['more than a word holds', { ...base, as: 'uint16', scale: 0.01 }, 700],
    ['more than a byte holds', { ...base, as: 'uint16', byte: 'low' }, 256],
    ['more digits than there are', { ...base, as: 'bcd16' }, 10_000],
    ['more than twelve bits hold', { ...base, as: 'int16', bits: TWELVE }, 2_048],
    ['less than twelve bits hold', { ...base, as: 'int16', bits: TWELVE }, -2_049],
    ['no number', { ...base, as: 'int32' }, Number.NaN],
  ])('%s is never written', (_case, register, value) => expect(registerWords(register, value)).toBeUndefined());

  test('bits over several words are written as they are read, by the simulator as by us, and nothing else changes', () => {
    const word = fc.integer({ min: 0, max: 0xffff });
    const run = fc
      .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 15 }))
      .map(([at, one, other]) => ({ word: at, from: Math.max(one, other), to: Math.min(one, other) }));
    const spread = fc
      .array(run, { minLength: 1, maxLength: 3 })
      .filter((runs) => new Set(runs.map((one) => one.word)).size === runs.length)
      .filter((runs) => runs.reduce((sum, { from, to }) => sum + from - to + 1, 0) <= 16);
    fc.assert(
      fc.property(
        spread,
        fc.constantFrom('uint16' as const, 'int16' as const),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.array(word, { minLength: 4, maxLength: 4 }),
        (runs, as, part, present) => {
          const range = 2 ** runs.reduce((sum, { from, to }) => sum + from - to + 1, 0);
          const value = Math.round(part * (range - 1)) - (as === 'int16' ? range / 2 : 0);
          const register: Register = { ...base, as, bits: runs };
          const written = [...(registerWords(register, value, present) ?? [])];
          const all = [...written, ...present.slice(written.length)];
          expect(registerValue(register, frameOf(...all))).toBe(value);
          const simulated = new Map(present.entries());
          encodeValue(simulated, 0, register, value);
          expect([...simulated.values()]).toEqual(all);
          expect(decodeValue(simulated, 0, register)).toBe(value);
          const rest = (words: number[], i: number) =>
            runs.reduce(
              (left, one) => (one.word === i ? left & ~((2 ** (one.from - one.to + 1) - 1) << one.to) : left),
              words[i] ?? 0,
            );
          for (const i of present.keys()) expect(rest(all, i)).toBe(rest(present, i));
        },
      ),
    );
  });

  test('a byte is changed without touching the other', () => {
    expect(registerWords({ ...base, as: 'uint16', byte: 'high' }, 0x21, [0x1eff])).toEqual([0x21ff]);
    expect(registerWords({ ...base, as: 'int16', byte: 'low' }, -2, [0x1eff])).toEqual([0x1efe]);
    expect(registerWords({ holding: 0, as: 'uint16', scale: 1, absent: [], bit: 8, order: 'badc' }, 1, [0])).toEqual([
      1,
    ]);
  });
});
