import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { createTally } from '../lib/limits.ts';

/** Limits wrong attempts, such as sign-ins by address and user name; right ones cost nothing. */

export function createAttempts(clock: Clock) {
  const tally = createTally({ clock, windowMs: 60_000 });
  return {
    /**
     * Counts an attempt before it is tried, so that many at once are limited too; the returned function takes a right one back.
     * Throws `too_many_requests`.
     */
    begin(limits: { key: string; perMinute: number }[]): () => void {
      if (limits.some(({ key, perMinute }) => tally.count(key) >= perMinute))
        throw new GatewayError('too_many_requests');
      for (const { key } of limits) tally.add(key);
      return () => {
        for (const { key } of limits) tally.takeBack(key);
      };
    },
  };
}
