import type { Clock } from '../lib/clock.ts';

/** How often a meter is read while a command waits for what shows it: a relay switches in a second, a valve's motor runs for up to a minute,
 * and a person may have to press a key. */

const EVERY_MS = 5_000;
const CLOSELY_MS = 120_000;
const LATER_MS = 30_000;

export function createWatch(clock: Clock) {
  let from = 0;
  let until = Number.NEGATIVE_INFINITY;
  return {
    begin(forMs: number): void {
      from = clock.ticks();
      until = from + forMs;
    },
    /** Undefined when nothing is waited for. */
    everyMs(): number | undefined {
      if (clock.ticks() > until) return undefined;
      return clock.ticks() - from < CLOSELY_MS ? EVERY_MS : LATER_MS;
    },
  };
}
