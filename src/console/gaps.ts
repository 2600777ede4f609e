import type { Readings } from '../http/schemas/readings.ts';

export type Point = [time: number, value: number | null];

/** How much longer than usual a pause must be to be a gap. Windows are exact; terminals that report by their own clock are not. */
const WINDOW_TOLERANCE = 1.5;
const TERMINAL_TOLERANCE = 2.2;

function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** The longest pause between two points that a line may cross. A meter that reports once an hour has no gaps of an hour. */
function longestPause(times: number[], everyMs: number): number {
  const usual = median(times.slice(1).map((time, index) => time - (times[index] ?? time)));
  return usual > everyMs ? usual * TERMINAL_TOLERANCE : everyMs * WINDOW_TOLERANCE;
}

/** Puts an empty point into every gap, so that no line pretends to know what was not measured. */
export function withGaps(windows: Readings['points'], everyMs: number): Point[] {
  const points = windows.filter(({ value }) => value !== null);
  const times = points.map(({ time }) => Date.parse(time));
  const longest = longestPause(times, everyMs);
  return points.flatMap(({ value }, index): Point[] => {
    const time = times[index] ?? 0;
    const before = times[index - 1] ?? time;
    return time - before > longest
      ? [
          [(before + time) / 2, null],
          [time, value],
        ]
      : [[time, value]];
  });
}

/** A point without neighbours has no line to be seen by. */
export const isAlone = (points: readonly Point[], index: number): boolean =>
  (points[index - 1]?.[1] ?? null) === null && (points[index + 1]?.[1] ?? null) === null;
