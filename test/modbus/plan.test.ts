import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answerLength } from '../../src/modbus/codec.ts';
import { plan, probesOf, singles } from '../../src/modbus/plan.ts';
import type { Profile, Register } from '../../src/terminals/profile.ts';

type Poll = NonNullable<Profile['poll']>;
const pollOf = (readable: [number, number][], maxRegisters = 125): Poll => ({
  everyS: 60,
  readable,
  maxRegisters,
  timeoutMs: 1000,
});
const word = (address: number): Register => ({ holding: address, as: 'uint16', scale: 1, absent: [] });
const double = (address: number): Register => ({ holding: address, as: 'uint32', scale: 1, absent: [] });
const shown = (registers: Register[], poll: Poll) =>
  plan(registers, poll).map(({ table, address, count }) => `${table} ${address}+${count}`);

describe('the fewest requests', () => {
  test.each<[string, Register[], Poll, string[]]>([
    ['neighbours are joined', [word(5), word(4), word(6)], pollOf([[0, 10]]), ['holding 4+3']],
    ['a gap inside a readable range is read over', [word(0), word(9)], pollOf([[0, 10]]), ['holding 0+10']],
    [
      'a range’s end is never crossed',
      [word(10), word(11)],
      pollOf([
        [0, 10],
        [11, 20],
      ]),
      ['holding 10+1', 'holding 11+1'],
    ],
    [
      'outside of the ranges each value is read alone',
      [word(30), double(31), word(33)],
      pollOf([[0, 10]]),
      ['holding 30+1', 'holding 31+2', 'holding 33+1'],
    ],
    [
      'the device’s limit is kept',
      [word(0), word(9), word(10)],
      pollOf([[0, 20]], 10),
      ['holding 0+10', 'holding 10+1'],
    ],
    [
      'a value of two registers is not torn',
      [word(0), double(9)],
      pollOf([[0, 20]], 10),
      ['holding 0+1', 'holding 9+2'],
    ],
    ['the same register twice is read once', [word(3), word(3)], pollOf([[0, 10]]), ['holding 3+1']],
    [
      'tables are apart',
      [word(1), { input: 1, as: 'float32', scale: 1, absent: [] }],
      pollOf([[0, 10]]),
      ['holding 1+1', 'input 1+2'],
    ],
    ['nothing to read', [], pollOf([[0, 10]]), []],
  ])('%s', (_case, registers, poll, expected) => expect(shown(registers, poll)).toEqual(expected));
});

describe('coils and discrete inputs', () => {
  const coil = (at: number): Register => ({ coil: at, as: 'uint16', scale: 1, absent: [] });
  const discrete = (at: number): Register => ({ discrete: at, as: 'uint16', scale: 1, absent: [] });
  test.each<[string, Register[], Poll, string[]]>([
    [
      'are joined apart from registers',
      [coil(1), word(1), coil(5), discrete(2)],
      pollOf([[0, 10]]),
      ['holding 1+1', 'coil 1+5', 'discrete 2+1'],
    ],
    ['may be more in a request than registers', [coil(0), coil(1_999)], pollOf([[0, 5_000]], 10), ['coil 0+2000']],
    ['are no more than the standard allows', [coil(0), coil(2_000)], pollOf([[0, 5_000]]), ['coil 0+1', 'coil 2000+1']],
    [
      'are no more than the device takes',
      [coil(0), coil(9)],
      { ...pollOf([[0, 50]]), maxBits: 8 },
      ['coil 0+1', 'coil 9+1'],
    ],
  ])('%s', (_case, registers, poll, expected) => expect(shown(registers, poll)).toEqual(expected));

  test('that say whether a value counts are read with it', () => {
    const guarded: Register = { ...word(5), validWhen: { coil: 16, bit: 0, is: 1 } };
    expect(shown([guarded], pollOf([[0, 50]]))).toEqual(['holding 5+1', 'coil 16+1']);
  });
});

describe('the probe of a unit that owes an answer', () => {
  const probes = (registers: Register[], poll: Poll) =>
    probesOf(registers, plan(registers, poll)).map(({ table, address, count }) => `${table} ${address}+${count}`);

  test('has a length that no other read has, and lies in what is read anyway where it can', () => {
    expect(probes([word(4), double(8)], pollOf([[0, 20]]))[0]).toBe('holding 4+3');
  });

  test('is of another function when no length is free', () => {
    expect(probes([word(4), double(40)], pollOf([[0, 5]]))).toEqual([
      'input 40+1',
      'coil 40+1',
      'discrete 40+1',
      'holding 40+3',
    ]);
  });

  test('is not as long as what is read before a block is written', () => {
    const registers = [0, 1, 2, 3, 4, 5, 6, 7].map(word);
    const poll = pollOf([[0, 9]], 4);
    const block = { holding: 1, count: 2, put: [] };
    const lengths = (written: Register[]) =>
      probesOf(registers, plan(registers, poll), written).map(({ count }) => count);
    expect(lengths([])[0]).toBe(2);
    expect(lengths([{ ...word(1), block }])[0]).toBe(3);
  });

  test('never looks like a read of the unit, whatever that is', () => {
    const address = fc.integer({ min: 0, max: 300 });
    const register = fc.oneof(
      address.map(word),
      address.map(double),
      address.map((at): Register => ({ input: at, as: 'uint16', scale: 1, absent: [] })),
      address.map((at): Register => ({ coil: at, as: 'uint16', scale: 1, absent: [] })),
    );
    fc.assert(
      fc.property(
        fc.array(register, { minLength: 1, maxLength: 20 }),
        fc.array(fc.tuple(address, fc.integer({ min: 2, max: 20 })), { maxLength: 3 }),
        fc.integer({ min: 2, max: 125 }),
        (registers, blocks, max) => {
          const requests = plan(registers, pollOf([[0, 400]], max));
          const written = blocks.map(([at, count]) => ({ ...word(at), block: { holding: at, count, put: [] } }));
          const beforeWrites = blocks.map(([at, count]) => ({ table: 'holding' as const, address: at, count }));
          const answers = requests
            .flatMap((request) => [request, ...singles(registers, request)])
            .concat(beforeWrites)
            .map((request) => `${request.table} ${answerLength(request)}`);
          for (const probe of probesOf(registers, requests, written)) {
            expect(answers).not.toContain(`${probe.table} ${answerLength(probe)}`);
            expect(probe.address + probe.count).toBeLessThanOrEqual(65_536);
          }
        },
      ),
    );
  });
});

test('every value is covered by one request, no request crosses a forbidden gap, and none is longer than allowed', () => {
  const address = fc.integer({ min: 0, max: 300 });
  const register = fc.oneof(address.map(word), address.map(double));
  const range = fc
    .tuple(address, fc.integer({ min: 0, max: 80 }))
    .map(([from, length]): [number, number] => [from, from + length]);
  fc.assert(
    fc.property(
      fc.array(register, { maxLength: 30 }),
      fc.array(range, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 2, max: 125 }),
      (registers, readable, max) => {
        const requests = plan(registers, pollOf(readable, max));
        for (const one of registers) {
          const start = one.holding ?? 0;
          const end = start + (one.as === 'uint32' ? 2 : 1);
          expect(requests.some((request) => request.address <= start && end <= request.address + request.count)).toBe(
            true,
          );
        }
        for (const { address: from, count } of requests) {
          const inOneRange = readable.some(([low, high]) => from >= low && from + count <= high + 1);
          expect(inOneRange ? count <= max : count <= 3).toBe(true);
        }
      },
    ),
  );
});
