import type { Random } from './random.ts';
import type { Timers } from './timers.ts';

/** Begins at the first call: reports at once, and then again and again. */
export function createBeat(report: () => void, everyS: number, { timers, random }: { timers: Timers; random: Random }) {
  let beating = false;
  return (): void => {
    report();
    if (beating) return;
    beating = true;
    const everyMs = everyS * 1_000;
    // A random first interval keeps the fleet out of step.
    timers.after(random.between(0, everyMs), () => {
      report();
      timers.every(everyMs, report);
    });
  };
}
