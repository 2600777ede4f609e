import { dayOf, startOfDay } from '../lib/calendar.ts';
import { minutesOf, type TariffVersion } from './tariff-schema.ts';

/** Where a moment lies in a tariff's calendar. Days are those of Asia/Shanghai; there the clock is never changed. */

const MINUTE_MS = 60_000;

/** The first day of the season that holds `day`; undefined outside of it. */
export function seasonOf(day: string, season: { from: string; to: string }): string | undefined {
  const [year, monthDay] = [Number(day.slice(0, 4)), day.slice(5)];
  const { from, to } = season;
  if (from <= to) return monthDay >= from && monthDay <= to ? `${year}-${from}` : undefined;
  if (monthDay >= from) return `${year}-${from}`;
  return monthDay <= to ? `${year - 1}-${from}` : undefined;
}

/** The first day of the year, as it is counted from `resets` on, that holds `day`. */
export function yearOf(day: string, resets: string): string {
  const year = Number(day.slice(0, 4));
  return day.slice(5) >= resets ? `${year}-${resets}` : `${year - 1}-${resets}`;
}

export const monthOf = (day: string): string => `${day.slice(0, 7)}-01`;

/** The version of a tariff that holds on a day; undefined before the first. */
export const versionOn = (versions: TariffVersion[], day: string): TariffVersion | undefined =>
  versions.findLast(({ from }) => from <= day);

const holds = ({ from, to }: { from: string; to: string }, minute: number): boolean => {
  const [start, end] = [minutesOf(from), minutesOf(to)];
  return end > start ? minute >= start && minute < end : minute >= start || minute < end;
};

/** The band of the day in which `time` lies. */
export function bandAt(bands: NonNullable<TariffVersion['bands']>, time: number): string | undefined {
  const minute = Math.floor((time - startOfDay(dayOf(time))) / MINUTE_MS);
  return Object.keys(bands).find((name) => bands[name]?.some((span) => holds(span, minute)));
}
