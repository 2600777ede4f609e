import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';

/** Limits wrong attempts, such as sign-ins by address and user name; right ones cost nothing. */

const WINDOW_MS = 60_000;
/** More keys than this are an attack; the oldest are forgotten. */
const MOST_KEYS = 20_000;

export function createAttempts(clock: Clock) {
  const windows = new Map<string, { since: number; count: number }>();

  /** Gives the window in which the attempt was counted. */
  function count(key: string, limit: number): { count: number } {
    const now = clock.now();
    const known = windows.get(key);
    const window = known && now - known.since < WINDOW_MS ? known : { since: now, count: 0 };
    if (window.count >= limit) throw new GatewayError('too_many_requests');
    window.count += 1;
    windows.set(key, window);
    const [oldest] = windows.keys();
    if (windows.size > MOST_KEYS && oldest !== undefined) windows.delete(oldest);
    return window;
  }

  return {
    /**
     * Counts an attempt before it is tried, so that many at once are limited too; the returned function takes a right one back.
     * Throws `too_many_requests`.
     */
    begin(limits: { key: string; perMinute: number }[]): () => void {
      const counted = limits.map(({ key, perMinute }) => count(key, perMinute));
      return () => {
        for (const window of counted) window.count -= 1;
      };
    },
  };
}
