import type { Clock } from '../lib/clock.ts';

/** How a unit's last requests ended, and after how long. */

const KEPT = 32;
const FAILED = -1;

export function createUnitFigures(clock: Clock) {
  /** Milliseconds of each answer, or `FAILED`; the oldest is overwritten. */
  const took = new Int32Array(KEPT);
  let requests = 0;
  let failed = 0;
  let lastError: { time: number; text: string } | undefined;
  let lastAnswerAt: number | undefined;

  return {
    record(ms: number, error: unknown): void {
      took[requests % KEPT] = error === undefined ? Math.round(ms) : FAILED;
      requests += 1;
      if (error === undefined) {
        lastAnswerAt = clock.now();
        return;
      }
      failed += 1;
      lastError = { time: clock.now(), text: error instanceof Error ? error.message : String(error) };
    },

    /** `answerMs` and `failedShare` are those of the last requests, the counts those since the start. Times are epoch ms. */
    state() {
      const last = took.subarray(0, Math.min(requests, KEPT));
      const answers = last.filter((ms) => ms !== FAILED).sort();
      const at = (share: number): number | null => answers[Math.floor(answers.length * share)] ?? null;
      return {
        requests,
        failed,
        failedShare: last.length === 0 ? 0 : (last.length - answers.length) / last.length,
        answerMs: { median: at(0.5), slow: at(0.95) },
        lastAnswerAt: lastAnswerAt ?? null,
        lastError: lastError ?? null,
      };
    },
  };
}
