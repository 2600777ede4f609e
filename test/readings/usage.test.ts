import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Window } from '../../src/readings/store.ts';
import { usageOf } from '../../src/readings/usage.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MIDNIGHT = Date.UTC(2026, 10, 23, 16);
const ROLLS_OVER_AT = 1000;

/** Readings as `[hour, counter]`, in the hourly windows that the store gives. */
function hours(readings: [number, number][]): Window[] {
  const byHour = Map.groupBy(readings, ([hour]) => Math.floor(hour));
  return [...byHour]
    .sort(([a], [b]) => a - b)
    .map(([hour, inHour]) => {
      const values = inHour.map(([, value]) => value);
      const sum = values.reduce((a, b) => a + b, 0);
      return {
        time: MIDNIGHT + hour * HOUR,
        first: values[0] ?? 0,
        last: values.at(-1) ?? 0,
        min: Math.min(...values),
        max: Math.max(...values),
        mean: sum / values.length,
        sum,
        count: values.length,
      };
    });
}

const request = (days: number) => ({
  from: MIDNIGHT,
  to: MIDNIGHT + days * DAY,
  everyMs: DAY,
  rollsOverAt: ROLLS_OVER_AT,
});

const days = (readings: [number, number][], count = 2) =>
  usageOf(hours(readings), request(count)).map(({ amount, quality }) => `${amount} ${quality}`);

describe('the use of two days', () => {
  test.each<[string, [number, number][], string[]]>([
    ['no reading at all', [], ['null missing', 'null missing']],
    [
      'an even counter',
      [
        [0, 100],
        [12, 106],
        [12.5, 106],
        [13, 106.5],
      ],
      ['6.5 estimated', 'null missing'],
    ],
    [
      'readings every hour',
      [
        [0, 1],
        [1, 2],
        [2, 4],
      ],
      ['3 measured', 'null missing'],
    ],
    [
      'a step before the first day counts for no day',
      [
        [-1, 0],
        [-0.5, 50],
        [0.5, 51],
      ],
      ['1 measured', 'null missing'],
    ],
    [
      'a gap over midnight is spread over both days',
      [
        [20, 100],
        [21, 101],
        [27, 107],
      ],
      ['3.4 estimated', '3.6 estimated'],
    ],
    [
      'the counter rolls over',
      [
        [1, 998],
        [2, 999.5],
        [3, 1.5],
      ],
      ['3.5 measured', 'null missing'],
    ],
    [
      'the counter rolls over within an hour',
      [
        [1, 998],
        [1.2, 999.5],
        [1.4, 1.5],
      ],
      ['3.5 measured', 'null missing'],
    ],
    [
      'the meter is exchanged: what the old one did not send is not made up',
      [
        [1, 300],
        [2, 302],
        [3, 0],
        [4, 1],
      ],
      ['3 reset', 'null missing'],
    ],
    [
      'a reset within an hour',
      [
        [1, 300],
        [1.2, 302],
        [1.4, 0],
        [1.6, 2],
      ],
      ['4 reset', 'null missing'],
    ],
    [
      'a small step back is no use',
      [
        [1, 300],
        [2, 299.9],
        [3, 300.4],
      ],
      ['0.5 reset', 'null missing'],
    ],
  ])('%s', (_case, readings, expected) => expect(days(readings)).toEqual(expected));
});

test('whatever a counter does, no use is negative, and all days together are what it counted', () => {
  const step = fc.record({
    hours: fc.double({ min: 0.01, max: 9, noNaN: true }),
    amount: fc.integer({ min: 0, max: 40 }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const readings: [number, number][] = [[0, 0]];
      let [at, counter] = [0, 0];
      for (const { hours: length, amount } of steps) {
        [at, counter] = [at + length, (counter + amount) % ROLLS_OVER_AT];
        readings.push([at, counter]);
      }
      const uses = usageOf(hours(readings), request(16));
      const total = uses.reduce((sum, { amount }) => sum + (amount ?? 0), 0);
      expect(uses.every(({ amount }) => amount === null || amount >= 0)).toBe(true);
      expect(total).toBeCloseTo(
        steps.reduce((sum, { amount }) => sum + amount, 0),
        3,
      );
    }),
  );
});
