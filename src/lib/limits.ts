import type { Clock } from './clock.ts';

/** How much of something may happen in a time. */

/** More keys than this are an attack; those that began first are forgotten. */
const MOST_KEYS = 20_000;

/** Counts by key; a key's count begins anew when `windowMs` have passed since its first. */
export function createTally({ clock, windowMs }: { clock: Clock; windowMs: number }) {
  const windows = new Map<string, { since: number; count: number }>();

  function current(key: string): { since: number; count: number } | undefined {
    const window = windows.get(key);
    return window && clock.ticks() - window.since < windowMs ? window : undefined;
  }

  return {
    count: (key: string): number => current(key)?.count ?? 0,
    /** Gives the count with this one. */
    add(key: string): number {
      const window = current(key) ?? { since: clock.ticks(), count: 0 };
      window.count += 1;
      windows.delete(key);
      windows.set(key, window);
      const [oldest] = windows.keys();
      if (windows.size > MOST_KEYS && oldest !== undefined) windows.delete(oldest);
      return window.count;
    },
    takeBack(key: string): void {
      const window = current(key);
      if (window && window.count > 0) window.count -= 1;
    },
  };
}

/**
 * A bucket that holds `burst` at most and is filled with `perSecond`. It may be overdrawn by what was not known beforehand: then nothing
 * more should be taken until it is even.
 */
export function createBucket(limit: { perSecond: number; burst: number }, now: () => number) {
  let left = limit.burst;
  let at = now();

  function fill(): void {
    const time = now();
    left = Math.min(limit.burst, left + ((time - at) * limit.perSecond) / 1_000);
    at = time;
  }

  return {
    /** Takes what has happened already. Gives the milliseconds until the bucket is even again. */
    spend(amount: number): number {
      fill();
      left -= amount;
      return left >= 0 ? 0 : (-left * 1_000) / limit.perSecond;
    },
    /** Takes one if there is one. */
    take(): boolean {
      fill();
      if (left < 1) return false;
      left -= 1;
      return true;
    },
    isFull(): boolean {
      fill();
      return left >= limit.burst;
    },
  };
}
export type Bucket = ReturnType<typeof createBucket>;
