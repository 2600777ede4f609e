import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Sighting, timeOf } from '../../src/readings/counter.ts';
import type { Window } from '../../src/readings/store.ts';
import { type Use, usageOf } from '../../src/readings/usage.ts';

const HOUR = 3_600_000;
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

const MAX_PER_HOUR = 10;
const request = (from: number, to: number, everyHours = 24, maxPerHour: number | undefined = MAX_PER_HOUR) => ({
  from: MIDNIGHT + from * HOUR,
  to: MIDNIGHT + to * HOUR,
  everyMs: everyHours * HOUR,
  rollsOverAt: ROLLS_OVER_AT,
  maxPerHour,
});

type Readings = [hour: number, counter: number][];
const days = (readings: Readings, exchanges: Sighting[] = [], maxPerHour: number | undefined = MAX_PER_HOUR) => {
  const sightings = [...hours(readings), ...exchanges].sort((a, b) => timeOf(a) - timeOf(b));
  return usageOf(sightings, { ...request(0, 48), maxPerHour }).map(({ amount, quality }) => `${amount} ${quality}`);
};
const exchanged = (hour: number, lastValue: number, firstValue: number): Sighting => ({
  at: MIDNIGHT + hour * HOUR,
  lastValue,
  firstValue,
});

describe('the use of two days', () => {
  test.each<[string, Readings, string[]]>([
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
        [-0.5, 5],
        [0.5, 6],
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
      'a silence of a week before the first day',
      [
        [-168, 100],
        [25, 292],
      ],
      ['24 estimated', '1 estimated'],
    ],
  ])('%s', (_case, readings, expected) => expect(days(readings)).toEqual(expected));
});

test('a counter that is read once a day, jumps and comes back has counted the rise, and nothing else', () => {
  const readings: Readings = [
    [-24, 100],
    [0.9, 700],
    [25.1, 103],
    [47, 104],
  ];
  expect(days(readings)).toEqual(['2.875 implausible', '1.125 estimated']);
});

/** The table of README: what a counter does, and what that counts. It can count 10 in an hour and rolls over at 1,000. */
describe('a counter that', () => {
  test.each<[string, Readings, string]>([
    [
      'rises',
      [
        [1, 300],
        [2, 302],
      ],
      '2 measured',
    ],
    [
      'rises after a silence',
      [
        [1, 300],
        [5, 340],
      ],
      '40 estimated',
    ],
    [
      'rolls over',
      [
        [1, 998],
        [2, 999.5],
        [3, 1.5],
      ],
      '3.5 measured',
    ],
    [
      'rolls over within an hour',
      [
        [1, 998],
        [1.2, 999.5],
        [1.4, 1.5],
      ],
      '3.5 measured',
    ],
    [
      'rolls over in a silence',
      [
        [1, 998],
        [5, 30],
      ],
      '32 estimated',
    ],
    [
      'falls a little and goes on',
      [
        [1, 300],
        [2, 299.9],
        [3, 300.4],
      ],
      '0.4 corrected',
    ],
    [
      'falls a little and stays there',
      [
        [1, 300],
        [2, 299],
        [3, 299.5],
        [4, 299.9],
      ],
      '0 corrected',
    ],
    [
      'falls a little within an hour',
      [
        [1, 300],
        [1.1, 301],
        [1.2, 300.9],
        [2, 301.5],
      ],
      '1.5 corrected',
    ],
    [
      'trembles',
      [
        [1, 300],
        [2, 299.9],
        [3, 300],
        [4, 299.9],
        [5, 300],
      ],
      '0 corrected',
    ],
    [
      'begins again near zero',
      [
        [1, 300],
        [2, 302],
        [3, 0],
        [4, 1],
      ],
      '3 reset',
    ],
    [
      'begins again and has counted since',
      [
        [1, 302],
        [3, 1.5],
      ],
      '1.5 reset',
    ],
    [
      'begins again within an hour',
      [
        [1, 300],
        [1.2, 302],
        [1.4, 0],
        [1.6, 2],
      ],
      '4 reset',
    ],
    [
      'begins again in a silence',
      [
        [1, 300],
        [5, 8],
      ],
      '8 reset',
    ],
    [
      'jumps up and goes on from there',
      [
        [1, 100],
        [2, 600],
        [3, 601],
      ],
      '1 implausible',
    ],
    [
      'jumps up and comes back',
      [
        [1, 100],
        [2, 101],
        [3, 700],
        [4, 103],
      ],
      '3 implausible',
    ],
    [
      'jumps up within an hour and comes back',
      [
        [1, 100],
        [1.2, 700],
        [1.4, 102],
      ],
      '2 implausible',
    ],
    [
      'jumps up for some hours and comes back',
      [
        [1, 100],
        [2, 400],
        [3, 400],
        [4, 400],
        [5, 104],
      ],
      '4 implausible',
    ],
    [
      'jumps up, counts there and comes back',
      [
        [1, 100],
        [2, 400],
        [3, 402],
        [5, 104],
      ],
      '4 implausible',
    ],
    [
      'shows zero once',
      [
        [1, 300],
        [2, 0],
        [3, 302],
      ],
      '2 reset',
    ],
    [
      'shows zero once within an hour',
      [
        [1, 300],
        [1.2, 0],
        [1.4, 302],
      ],
      '2 reset',
    ],
    [
      'shows zero once near its end',
      [
        [1, 900],
        [2, 0],
        [3, 902],
      ],
      '2 reset',
    ],
    [
      'falls far and goes on from there',
      [
        [1, 300],
        [2, 200],
        [3, 201],
      ],
      '1 implausible',
    ],
    [
      'falls far in a silence',
      [
        [1, 300],
        [5, 30],
      ],
      '0 implausible',
    ],
    [
      'falls far and comes back',
      [
        [1, 300],
        [2, 200],
        [3, 301],
      ],
      '1 implausible',
    ],
  ])('%s', (_case, readings, expected) => expect(days(readings)[0]).toBe(expected));

  test.each<[string, Readings, Sighting, string]>([
    [
      'is exchanged between two readings',
      [
        [1, 300],
        [2, 1],
      ],
      exchanged(1.5, 301, 0),
      '2 exchanged',
    ],
    [
      'is exchanged for a used one',
      [
        [1, 300],
        [2, 700.5],
      ],
      exchanged(1.5, 301, 700),
      '1.5 exchanged',
    ],
    [
      'is exchanged in a silence',
      [
        [1, 300],
        [9, 40],
      ],
      exchanged(5, 320, 0),
      '60 exchanged',
    ],
    [
      'is exchanged, and its last count is mistyped',
      [
        [1, 300],
        [2, 1],
      ],
      exchanged(1.5, 830, 0),
      '1 implausible',
    ],
    ['is exchanged before its first reading', [[2, 5]], exchanged(1, 820, 0), '5 exchanged'],
  ])('%s', (_case, readings, exchange, expected) => expect(days(readings, [exchange])[0]).toBe(expected));

  test.each<[string, Readings, string]>([
    [
      'jumps',
      [
        [1, 100],
        [2, 600],
      ],
      '500 measured',
    ],
    [
      'falls a little',
      [
        [1, 300],
        [2, 299.9],
        [3, 300.4],
      ],
      '0.4 corrected',
    ],
    [
      'begins again',
      [
        [1, 300],
        [2, 2],
        [3, 4],
      ],
      '4 reset',
    ],
    [
      'falls far',
      [
        [1, 300],
        [2, 200],
        [3, 201],
      ],
      '1 implausible',
    ],
    [
      'rolls over',
      [
        [1, 900],
        [2, 10],
      ],
      '110 measured',
    ],
  ])('has no limit an hour and %s', (_case, readings, expected) => {
    const sightings = hours(readings);
    const [day] = usageOf(sightings, { ...request(0, 24), maxPerHour: undefined });
    expect(`${day?.amount} ${day?.quality}`).toBe(expected);
  });

  test('is read every minute counts whole units as they come, but no more than its limit', () => {
    const minute = HOUR / 60;
    const readings = Array.from({ length: 181 }, (_, n): Window => {
      const value = 100 + Math.floor(n / 6);
      return {
        time: MIDNIGHT + n * minute,
        first: value,
        last: value,
        min: value,
        max: value,
        mean: value,
        sum: value,
        count: 1,
      };
    });
    const uses = usageOf(readings, { ...request(0, 3), everyMs: minute });
    expect(uses.every(({ quality }) => quality === 'measured' || quality === 'missing')).toBe(true);
    expect(total(uses)).toBe(29);
  });

  test('rises every minute counts no more than its limit and an hour of it at once', () => {
    const readings = Array.from({ length: 60 }, (_, n): [number, number] => [n / 60, 100 + n]);
    const windows = readings.map(([hour, value]): Window => {
      const one = { first: value, last: value, min: value, max: value, mean: value, sum: value, count: 1 };
      return { time: MIDNIGHT + hour * HOUR, ...one };
    });
    const uses = usageOf(windows, { ...request(0, 1), everyMs: HOUR / 60 });
    expect(total(uses)).toBeGreaterThan(MAX_PER_HOUR);
    expect(total(uses)).toBeLessThanOrEqual(2 * MAX_PER_HOUR);
  });
});

const total = (uses: Use[]): number => uses.reduce((sum, { amount }) => sum + (amount ?? 0), 0);

/** Whatever a counter may do: hours since the last reading, and its next value from the one before. */
const deed = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 8 }).map((by) => (value: number) => value + by) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 5 }).map((by) => (value: number) => Math.max(0, value - by)) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: ROLLS_OVER_AT }).map((to) => () => to) },
  { weight: 1, arbitrary: fc.constant(() => 0) },
);
const life = fc.array(
  fc.tuple(fc.oneof(fc.double({ min: 0.01, max: 3, noNaN: true }), fc.integer({ min: 1, max: 90 })), deed),
  {
    minLength: 1,
    maxLength: 60,
  },
);

function readingsOf(deeds: [number, (value: number) => number][]): Readings {
  const readings: Readings = [[0, 100]];
  let [at, counter] = [0, 100];
  for (const [length, next] of deeds) {
    [at, counter] = [at + length, next(counter) % ROLLS_OVER_AT];
    readings.push([at, counter]);
  }
  return readings;
}

describe('whatever a counter does', () => {
  test('no use is negative, and all of it is never more than it can count in that time', () => {
    fc.assert(
      fc.property(life, (deeds) => {
        const readings = readingsOf(deeds);
        const end = (readings.at(-1)?.[0] ?? 0) + 1;
        const uses = usageOf(hours(readings), request(0, end, 1));
        expect(uses.every(({ amount }) => amount === null || amount >= 0)).toBe(true);
        expect(total(uses)).toBeLessThanOrEqual(MAX_PER_HOUR * (end + 1) + 1e-3);
      }),
      { numRuns: 500 },
    );
  });

  test('the parts of a time add up to the whole of it, however it is cut', () => {
    fc.assert(
      fc.property(life, fc.integer({ min: 1, max: 60 }), (deeds, cut) => {
        const readings = readingsOf(deeds);
        const end = Math.max(cut + 1, Math.ceil(readings.at(-1)?.[0] ?? 0) + 1);
        const sightings = hours(readings);
        const whole = total(usageOf(sightings, request(0, end, 1)));
        const parts = [request(0, cut, 1), request(cut, end, 1)].map((part) => total(usageOf(sightings, part)));
        expect(parts.reduce((a, b) => a + b)).toBeCloseTo(whole, 3);
        const inDays = usageOf(sightings, request(0, Math.ceil(end / 24) * 24, 24));
        expect(total(inDays)).toBeCloseTo(whole, 3);
      }),
      { numRuns: 500 },
    );
  });

  test('one that only counts and rolls over gives exactly what it counted', () => {
    const step = fc.record({
      hours: fc.double({ min: 1.01, max: 9, noNaN: true }),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        const readings: Readings = [[0, 100]];
        let [at, counted] = [0, 0];
        for (const { hours: length, part } of steps) {
          // As much as fits between the beginnings of the two hours.
          const most = MAX_PER_HOUR * (Math.floor(at + length) - Math.floor(at));
          [at, counted] = [at + length, counted + part * most];
          readings.push([at, (100 + counted) % ROLLS_OVER_AT]);
        }
        const uses = usageOf(hours(readings), request(0, 24 * 16));
        expect(total(uses)).toBeCloseTo(counted, 3);
        expect(uses.filter(({ quality }) => !['measured', 'estimated', 'missing'].includes(quality))).toEqual([]);
      }),
    );
  });
});
