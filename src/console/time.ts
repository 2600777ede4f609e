import type { Language, T } from './i18n.ts';

const ZONE = 'Asia/Shanghai';
const DAY_MS = 86_400_000;
const OFFSET_MS = 8 * 3_600_000;

const pattern = (options: Intl.DateTimeFormatOptions) => {
  // 11/12 is a different day to different readers of English, so there the month is a word.
  const month = options.month && ({ month: 'short' } as const);
  const made = {
    zh: new Intl.DateTimeFormat('zh-CN', { ...options, timeZone: ZONE, hourCycle: 'h23' }),
    en: new Intl.DateTimeFormat('en-GB', { ...options, ...month, timeZone: ZONE, hourCycle: 'h23' }),
  };
  return (time: string | number, language: Language): string => made[language].format(new Date(time));
};

const day = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;

export const dateTime = pattern({ ...day, ...clock });
export const monthDay = pattern({ month: '2-digit', day: '2-digit' });
export const hourMinute = pattern({ hour: '2-digit', minute: '2-digit' });

/** Midnight in Shanghai, which has kept UTC+8 all year since 1991. */
const startOfDay = (time: number): number => Math.floor((time + OFFSET_MS) / DAY_MS) * DAY_MS - OFFSET_MS;

/** `2026-11-24` in Shanghai. */
export const dayOf = (time: number): string => new Date(time + OFFSET_MS).toISOString().slice(0, 10);

/** Both days, whole, as a query's `from` and `to`. */
export const daysBetween = (first: string, last: string): { from: string; to: string } => ({
  from: `${first}T00:00:00+08:00`,
  to: `${dayOf(Date.parse(`${last}T00:00:00+08:00`) + DAY_MS)}T00:00:00+08:00`,
});

/** The last `count` days, today included, as a query's `from` and `to`. Today ends at the next midnight. */
export function lastDays(time: number, count: number): { from: string; to: string } {
  const today = startOfDay(time);
  return {
    from: new Date(today - (count - 1) * DAY_MS).toISOString(),
    to: new Date(today + DAY_MS).toISOString(),
  };
}

/** Midnight in Shanghai of a day such as `2026-11-24`, or so many days after it, as a query has it. */
export function midnight(date: string | undefined, after = 0): string | undefined {
  return date && new Date(Date.parse(`${date}T00:00:00+08:00`) + after * DAY_MS).toISOString();
}

/** `2026-10` while it is November in Shanghai. */
export function monthBefore(time: number): string {
  const today = new Date(time + OFFSET_MS);
  return new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - 1, 1)).toISOString().slice(0, 7);
}

export function age(t: T, milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  if (seconds < 60) return t('age.seconds', { n: seconds });
  if (seconds < 3_600) return t('age.minutes', { n: Math.floor(seconds / 60) });
  if (seconds < 86_400) return t('age.hours', { n: Math.floor(seconds / 3_600) });
  return t('age.days', { n: Math.floor(seconds / 86_400) });
}
