import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextRun } from '../../src/lib/recurrence.ts';

const TABLE = `
days        time   after                      next
1           06:30  2026-11-22T23:00:00+08:00  2026-11-23T06:30:00+08:00
1           06:30  2026-11-23T06:29:59+08:00  2026-11-23T06:30:00+08:00
1           06:30  2026-11-23T06:30:00+08:00  2026-11-30T06:30:00+08:00
1,2,3,4,5   22:00  2026-11-27T22:00:01+08:00  2026-11-30T22:00:00+08:00
6,7         00:00  2026-11-27T16:00:00+08:00  2026-11-28T00:00:00+08:00
7           23:59  2026-12-31T12:00:00+08:00  2027-01-03T23:59:00+08:00
`;

test('the next time is by the calendar of Shanghai', () => {
  for (const row of TABLE.trim().split('\n').slice(1)) {
    const [days = '', time = '', after = '', next = ''] = row.trim().split(/\s+/);
    const found = nextRun({ kind: 'weekly', days: days.split(',').map(Number), time }, Date.parse(after));
    expect(found, row).toBe(Date.parse(next));
  }
});

/** The same question answered by the time zone database. */
const shanghai = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Asia/Shanghai',
  weekday: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

test('the next time is later, at its hour on one of its days, and there is none between', () => {
  const days = fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 7 });
  const part = (most: number) => fc.integer({ min: 0, max: most }).map((n) => String(n).padStart(2, '0'));
  const times = fc.tuple(part(23), part(59)).map(([hours, minutes]) => `${hours}:${minutes}`);
  const moments = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2100, 0, 1) });
  fc.assert(
    fc.property(days, times, moments, (on, time, after) => {
      const recurrence = { kind: 'weekly', days: on, time } as const;
      const next = nextRun(recurrence, after) ?? 0;
      const [weekday = '', clock] = shanghai.format(next).split(/,? /);
      expect(next).toBeGreaterThan(after);
      expect(on).toContain(WEEKDAYS.indexOf(weekday) + 1);
      expect(clock).toBe(time);
      // Asked again a moment before, or from anywhere between, it is the same.
      expect(nextRun(recurrence, next - 1)).toBe(next);
      expect(nextRun(recurrence, after + Math.floor((next - 1 - after) / 2))).toBe(next);
    }),
    { numRuns: 2_000 },
  );
});

test('what comes once comes once', () => {
  expect(nextRun({ kind: 'once', at: 10 }, 9)).toBe(10);
  expect(nextRun({ kind: 'once', at: 10 }, 10)).toBeUndefined();
});
