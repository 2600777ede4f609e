/** Timers that end together. */
export interface Timers {
  after(ms: number, act: () => void): void;
  every(ms: number, act: () => void): void;
  stop(): void;
}

export function createTimers(): Timers {
  const running = new Set<NodeJS.Timeout>();
  let stopped = false;
  return {
    after(ms, act) {
      if (stopped) return;
      const timer = setTimeout(() => {
        running.delete(timer);
        act();
      }, ms);
      running.add(timer);
    },
    every(ms, act) {
      if (!stopped) running.add(setInterval(act, ms));
    },
    stop() {
      stopped = true;
      // Node clears a timeout and an interval by either name.
      for (const timer of running) clearTimeout(timer);
      running.clear();
    },
  };
}

/** Spreads a storm: each caller is told how long to wait for its turn. */
export function createGate(perSecond: number, now: () => number): () => number {
  let nextTurn = 0;
  return () => {
    const asked = now();
    const turn = Math.max(asked, nextTurn);
    nextTurn = turn + 1_000 / perSecond;
    return turn - asked;
  };
}
