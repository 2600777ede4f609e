import { dayOf } from '../console/time.ts';
import type { HouseholdUsage } from '../http/schemas/billing.ts';

/** Use of a counter against the same days of the year before. */

export interface Bar {
  /** `24` of a month, or `11` of a year. */
  label: string;
  now: number | null;
  before: number | null;
  doubtful: boolean;
}
export interface Compared {
  metric: string;
  unit: string;
  bars: Bar[];
  total: number;
  /** The days that are known of both years: how many, and what was used in them. */
  shared: { days: number; now: number; before: number };
  doubtful: boolean;
}

interface Day {
  amount: number | null;
  doubtful: boolean;
}
const aYearOn = (day: string): string => `${Number(day.slice(0, 4)) + 1}${day.slice(4)}`;
const DOUBTFUL = new Set(['estimated', 'missing', 'implausible', 'reset']);

/** By metric and day, meters of the same kind together. */
function byMetric({ items }: HouseholdUsage): Map<string, { unit: string; days: Map<string, Day> }> {
  const found = new Map<string, { unit: string; days: Map<string, Day> }>();
  for (const { metric, unit, items: uses } of items) {
    const of = found.get(metric) ?? { unit, days: new Map<string, Day>() };
    found.set(metric, of);
    for (const { from, amount, quality } of uses) {
      const day = dayOf(Date.parse(from));
      const known = of.days.get(day);
      of.days.set(day, {
        amount: amount === null ? (known?.amount ?? null) : amount + (known?.amount ?? 0),
        doubtful: DOUBTFUL.has(quality) || (known?.doubtful ?? false),
      });
    }
  }
  return found;
}

const plus = (a: number | null, b: number | null): number | null => (a === null ? b : a + (b ?? 0));

/** `labelOf` gives each day's bar. */
export function compare(now: HouseholdUsage, before: HouseholdUsage, labelOf: (day: string) => string): Compared[] {
  const earlier = byMetric(before);
  return [...byMetric(now)].map(([metric, { unit, days }]) => {
    const old = new Map([...(earlier.get(metric)?.days ?? [])].map(([day, use]) => [aYearOn(day), use]));
    const bars = new Map<string, Bar>();
    const last = [...days].findLast(([, { amount }]) => amount !== null)?.[0] ?? '';
    const shared = { days: 0, now: 0, before: 0 };
    let total = 0;
    let doubtful = false;
    for (const [day, use] of days) {
      const label = labelOf(day);
      const bar = bars.get(label) ?? { label, now: null, before: null, doubtful: false };
      bars.set(label, bar);
      const then = old.get(day)?.amount ?? null;
      bar.now = plus(bar.now, use.amount);
      bar.before = plus(bar.before, then);
      if (day > last) continue;
      bar.doubtful ||= use.doubtful;
      doubtful ||= use.doubtful;
      total += use.amount ?? 0;
      if (use.amount === null || then === null) continue;
      shared.days += 1;
      shared.now += use.amount;
      shared.before += then;
    }
    return { metric, unit, bars: [...bars.values()], total, shared, doubtful };
  });
}
