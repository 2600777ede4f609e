import { type Clock, every } from '../lib/clock.ts';

/**
 * Whether the time of day can be trusted. After somebody has set the clock by more than a few seconds, it has to run evenly for a minute
 * first, or a person has to say that it is right: times of commands, notices and quiet hours would be wrong with it.
 */

const LOOK_MS = 1_000;
const JUMP_MS = 5_000;
const STEADY_MS = 60_000;
const EARLIEST = Date.UTC(2025, 0);

export interface ClockState {
  /** What holds heat back: it cannot be so early, or it was set a moment ago. */
  trouble: 'too_early' | 'jumped' | undefined;
  /** By how much it was set last, since the start. Milliseconds. */
  jumpMs: number | undefined;
  /** How long it has to run evenly from now on. Milliseconds. */
  unsureMs: number;
  /** How often it was set since the start. */
  jumps: number;
}

/** Dispose ends the watch. */
export function startClockWatch(clock: Clock) {
  let ahead = clock.now() - clock.ticks();
  let jumps = 0;
  let jumpMs: number | undefined;
  /** Ticks. */
  let steadyAt = Number.NEGATIVE_INFINITY;

  function state(): ClockState {
    const ms = clock.now() - clock.ticks() - ahead;
    if (Math.abs(ms) > JUMP_MS) {
      ahead += ms;
      jumps += 1;
      jumpMs = ms;
      steadyAt = clock.ticks() + STEADY_MS;
    }
    const unsureMs = Math.max(0, steadyAt - clock.ticks());
    const trouble = clock.now() < EARLIEST ? 'too_early' : unsureMs > 0 ? 'jumped' : undefined;
    return { trouble, jumpMs, unsureMs, jumps };
  }

  const turns = every(
    clock,
    LOOK_MS,
    () => void state(),
    () => undefined,
  );
  return {
    state,
    isSure: (): boolean => state().trouble === undefined,
    /** Somebody has compared it with a clock of their own, when it was as `seen`: not after it was set once more. */
    trust(seen: ClockState): void {
      if (state().jumps === seen.jumps) steadyAt = Number.NEGATIVE_INFINITY;
    },
    [Symbol.dispose]: () => turns[Symbol.dispose](),
  };
}
export type ClockWatch = ReturnType<typeof startClockWatch>;
