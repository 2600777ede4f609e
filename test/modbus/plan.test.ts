import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plan } from '../../src/modbus/plan.ts';
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
