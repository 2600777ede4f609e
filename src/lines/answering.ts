import { pause } from '../lib/clock.ts';
import { createBreaker } from './breaker.ts';
import type { DeviceParts } from './device.ts';
import { LineDown } from './line.ts';
import type { UnitKey } from './question.ts';

/** Whether a device on a line answers at all, and what is asked of it while it does not. */

/** How long a command rests for a device that does not answer, in its time-outs. */
const COMMAND_REST = 10;

export function createAnswering(
  {
    line,
    clock,
    periodMs,
    silentUnits,
    onBack,
  }: Pick<DeviceParts, 'line' | 'clock' | 'periodMs' | 'silentUnits' | 'onBack'>,
  { key, timeoutMs }: { key: UnitKey; timeoutMs: number },
) {
  const breaker = createBreaker(clock);
  const timesOutMs = line.timeoutMs ?? timeoutMs;
  let commandNotBefore = 0;
  let answeredAt = Number.NEGATIVE_INFINITY;

  return {
    breaker,
    /** Ticks. */
    answeredAt: () => answeredAt,

    /** A device that owes an answer is left alone for a while; meanwhile the line belongs to others. */
    async rested(): Promise<void> {
      const ms = line.restMs(key);
      if (ms > 0) await pause(clock, Math.ceil(ms));
    },

    /** What a success or a failure says about the device. A line that is down says nothing. */
    judge(error?: unknown): void {
      if (error === undefined) {
        const since = breaker.succeeded();
        if (since !== undefined) onBack(since);
        answeredAt = clock.ticks();
      } else if (!(error instanceof LineDown)) {
        breaker.failed({ timeoutMs: timesOutMs, periodMs, silentUnits: Math.max(1, silentUnits()) });
      }
    },

    /** A device that does not answer must not take the line from its neighbours because somebody waits for it. */
    mayCommand(): boolean {
      if (breaker.waitMs() > 0 && clock.ticks() < commandNotBefore) return false;
      commandNotBefore = clock.ticks() + COMMAND_REST * timesOutMs;
      return true;
    },
  };
}
