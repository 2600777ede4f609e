/** Asia/Shanghai has been UTC+8 all year since 1991, so days need no time zone database. */
export const OFFSET_MS = 8 * 3_600_000;

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `15m` → 900000. Returns undefined for anything that is not a positive whole number of s, m, h or d. */
export function durationMs(text: string): number | undefined {
  const match = /^([1-9]\d{0,5})([smhd])$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  return match && unit ? Number(match[1]) * unit : undefined;
}

/** The start of the window of `everyMs` that holds `time`; windows of whole days begin at midnight in Shanghai. */
export const windowStart = (time: number, everyMs: number): number =>
  Math.floor((time + OFFSET_MS) / everyMs) * everyMs - OFFSET_MS;

/** RFC 3339 in UTC, as the API shows times. */
export const rfc3339 = (time: number): string => new Date(time).toISOString();

/** The calendar year in Shanghai. */
export const yearOf = (time: number): number => new Date(time + OFFSET_MS).getUTCFullYear();
