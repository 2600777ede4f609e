/** Asia/Shanghai has been UTC+8 all year since 1991, so days need no time zone database. */
export const OFFSET_MS = 8 * 3_600_000;

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `15m` → 900000. Returns undefined for anything that is not a positive whole number of s, m, h or d. */
export function durationMs(text: string): number | undefined {
  const match = /^([1-9]\d{0,5})([smhd])$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  return match && unit ? Number(match[1]) * unit : undefined;
}

const shanghai = (time: number): string => new Date(time + OFFSET_MS).toISOString();

/** The start of the window of `everyMs` that holds `time`; windows of whole days begin at midnight in Shanghai. */
export const windowStart = (time: number, everyMs: number): number =>
  Math.floor((time + OFFSET_MS) / everyMs) * everyMs - OFFSET_MS;

/** RFC 3339 in UTC, as the API shows times. */
export const rfc3339 = (time: number): string => new Date(time).toISOString();

/** `2026-11-01T08:00:00+08:00`: RFC 3339 in Shanghai, to the second. */
export const localRfc3339 = (time: number): string => `${shanghai(time).slice(0, 19)}+08:00`;

/** `2026-11-01 08:00:00`, the same for people. */
export const localText = (time: number): string => shanghai(time).slice(0, 19).replace('T', ' ');

/** The calendar year in Shanghai. */
export const yearOf = (time: number): number => new Date(time + OFFSET_MS).getUTCFullYear();
const DAY_MS = 86_400_000;

/** `2026-11-01`, the day in Shanghai that holds `time`. */
export const dayOf = (time: number): string => shanghai(time).slice(0, 10);

/** Midnight in Shanghai with which a day such as `2026-11-01` begins: epoch ms. */
export const startOfDay = (day: string): number => Date.parse(`${day}T00:00:00Z`) - OFFSET_MS;

export const nextDay = (day: string): string => dayOf(startOfDay(day) + DAY_MS);
export const dayBefore = (day: string): string => dayOf(startOfDay(day) - DAY_MS);

/** Whether there is such a day: 2026-02-30 is none. */
export const isDay = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(startOfDay(text)) && dayOf(startOfDay(text)) === text;

/** Of a month such as `2026-11`: its first day, and the first day of the next. */
export function daysOfMonth(month: string): { from: string; to: string } {
  const [year = 0, number = 0] = month.split('-').map(Number);
  const next = number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`;
  return { from: `${month}-01`, to: `${next}-01` };
}
