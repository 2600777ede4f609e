import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { createTally } from '../lib/limits.ts';

/** Limits wrong sign-ins by address and user name; right ones cost nothing. */

/** An address may try this many times as often, over all user names. */
const NAMES_AN_ADDRESS = 5;

export function createAttempts({ clock, perMinute }: { clock: Clock; perMinute: number }) {
  const tally = createTally({ clock, windowMs: 60_000 });
  return {
    /**
     * Counts an attempt before it is tried, so that many at once are limited too; the returned function takes a right one back.
     * Throws `too_many_requests`.
     */
    begin(address: string, username: string): () => void {
      const person = `${address} ${username}`;
      const isOver = tally.count(person) >= perMinute || tally.count(address) >= perMinute * NAMES_AN_ADDRESS;
      if (isOver) throw new GatewayError('too_many_requests');
      tally.add(person);
      tally.add(address);
      return () => {
        tally.takeBack(person);
        tally.takeBack(address);
      };
    },
  };
}
