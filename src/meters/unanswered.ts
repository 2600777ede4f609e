import type { Clock } from '../lib/clock.ts';

/** Orders over MQTT to which a meter said nothing in time. It may yet, and no answer says to which order it belongs. */

/** After this an answer that did not come is not under way any more. */
const LONGEST_LATE_MS = 120_000;
const MOST = 16;

export function createUnanswered(clock: Clock) {
  /** Ticks, the oldest first. */
  let since: number[] = [];

  function count(): number {
    since = since.filter((at) => clock.ticks() - at < LONGEST_LATE_MS);
    return since.length;
  }

  return {
    add(): void {
      since = [...since, clock.ticks()].slice(-MOST);
    },
    /** Whether the next answer can only be to the next order. */
    none: (): boolean => count() === 0,
    /** An answer came that nobody waited for: whether it can only be to the last order. */
    isOfLast(): boolean {
      const isOnly = count() <= 1;
      since.shift();
      return isOnly;
    },
  };
}
