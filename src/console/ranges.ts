const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

type RangeName = 'hour1' | 'hour6' | 'hour24' | 'day7' | 'day30';
export type Range = { name: RangeName; lengthMs: number; every: string; everyMs: number; refetchMs: number };

const range = (name: RangeName, hours: number, every: string, everyMs: number): Range => ({
  name,
  lengthMs: hours * HOUR_MS,
  every,
  everyMs,
  refetchMs: Math.max(everyMs, 15_000),
});

/** Windows that give 120 to 360 points: more than the screen's width shows nothing more. */
export const RANGES = [
  range('hour1', 1, '30s', MINUTE_MS / 2),
  range('hour6', 6, '2m', 2 * MINUTE_MS),
  range('hour24', 24, '5m', 5 * MINUTE_MS),
  range('day7', 7 * 24, '30m', 30 * MINUTE_MS),
  range('day30', 30 * 24, '2h', 2 * HOUR_MS),
] as const;
