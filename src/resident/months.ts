import { daysBetween } from '../console/time.ts';

/** Months such as `2026-11`. */

export function monthsFrom(month: string, count: number): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number - 1 + count, 1)).toISOString().slice(0, 7);
}

/** A query's `from` and `to` for whole months, but no further than today. */
export function rangeOf(first: string, last: string, today: string): { from: string; to: string; every: string } {
  const [year = 0, number = 1] = last.split('-').map(Number);
  const end = new Date(Date.UTC(year, number, 0)).toISOString().slice(0, 10);
  return { ...daysBetween(`${first}-01`, end < today ? end : today), every: '1d' };
}
