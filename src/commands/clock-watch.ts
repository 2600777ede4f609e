import { type Clock, every } from '../lib/clock.ts';

/**
 * Whether the time of day can be trusted. After somebody has set the clock by more than a few seconds, it has to run evenly for a minute
 * first: times of commands, notices and quiet hours would be wrong with it.
 */

const LOOK_MS = 1_000;
const JUMP_MS = 5_000;
const STEADY_MS = 60_000;
const EARLIEST = Date.UTC(2025, 0);

/** Dispose ends the watch. */
export function startClockWatch(clock: Clock) {
  let ahead = clock.now() - clock.ticks();
  let jumpedAt = Number.NEGATIVE_INFINITY;

  function look(): void {
    const now = clock.now() - clock.ticks();
    if (Math.abs(now - ahead) > JUMP_MS) jumpedAt = clock.ticks();
    ahead = now;
  }

  const turns = every(clock, LOOK_MS, look, () => undefined);
  return {
    isSure(): boolean {
      look();
      return clock.now() >= EARLIEST && clock.ticks() - jumpedAt >= STEADY_MS;
    },
    [Symbol.dispose]: () => turns[Symbol.dispose](),
  };
}
export type ClockWatch = ReturnType<typeof startClockWatch>;
