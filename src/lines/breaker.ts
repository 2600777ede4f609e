import type { Clock } from '../lib/clock.ts';

/** Keeps a unit that does not answer from costing its line more than it must: after some failures it is tried only now and then. */

const FAILURES = 3;
/** The first wait, in time-outs of the unit. */
const FIRST_WAIT = 10;
/** Later, all silent units of a line together cost it at most one part in so many of its time. */
const SHARE = 25;
const LONGEST_WAIT_MS = 900_000;

/** A failure as the breaker needs to know it. Milliseconds. */
export interface Failure {
  timeoutMs: number;
  periodMs: number;
  /** Units of the line that do not answer, with this one. */
  silentUnits: number;
}

export function createBreaker(clock: Clock) {
  let failures = 0;
  let tryAt = 0;
  let openedAt = 0;

  const isOpen = () => failures >= FAILURES;

  return {
    isOpen,
    /** Milliseconds until the unit may be tried; 0 is now. */
    waitMs: (): number => (isOpen() ? Math.max(0, tryAt - clock.ticks()) : 0),

    /** The unit answered. Gives since when it had not, if it was open. */
    succeeded(): number | undefined {
      const since = isOpen() ? openedAt : undefined;
      failures = 0;
      return since;
    },

    failed({ timeoutMs, periodMs, silentUnits }: Failure): void {
      failures += 1;
      if (!isOpen()) return;
      const tries = failures - FAILURES;
      if (tries === 0) openedAt = clock.ticks();
      const fair = tries > 0 ? SHARE * timeoutMs * silentUnits : 0;
      const growing = Math.min(LONGEST_WAIT_MS, timeoutMs * FIRST_WAIT * 2 ** tries);
      // Jitter keeps units that failed together from being tried together.
      tryAt = clock.ticks() + Math.max(periodMs, growing, fair) * (1 + Math.random() / 5);
    },

    /** Something changed, so trying again makes sense. */
    tryNow(): void {
      tryAt = clock.ticks();
    },

    state: (): 'closed' | 'open' | 'half_open' => {
      if (!isOpen()) return 'closed';
      return clock.ticks() >= tryAt ? 'half_open' : 'open';
    },
  };
}
