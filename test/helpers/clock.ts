import type { Clock } from '../../src/lib/clock.ts';

/** A clock that stands until it is told to go on; what is due then runs in order. */
export function heldClock(
  start = Date.UTC(2026, 10, 24, 4),
): Clock & { advance(ms: number): Promise<void>; set(time: number): void } {
  let now = start;
  /** By how much somebody has set it. */
  let set = 0;
  let tasks: { at: number; task: () => void }[] = [];
  return {
    now: () => now + set,
    ticks: () => now - start,
    /** As somebody does who sets the computer's clock: what is due comes no sooner. */
    set: (time) => {
      set = time - now;
    },
    after(ms, task) {
      const entry = { at: now + ms, task };
      tasks.push(entry);
      return {
        [Symbol.dispose]() {
          tasks = tasks.filter((other) => other !== entry);
        },
      };
    },
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        const due = tasks.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        tasks = tasks.filter((other) => other !== due);
        now = due.at;
        due.task();
        await new Promise((resolve) => setImmediate(resolve));
      }
      now = end;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
