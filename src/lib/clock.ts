/** The one source of time. Parts take it as a parameter, so that tests can hold it. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Milliseconds, with fractions, since some moment: for durations, as nobody ever sets it. */
  ticks(): number;
  /** Runs `task` once, `ms` from now. Disposing cancels it. */
  after(ms: number, task: () => void): Disposable;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  ticks: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** Resolves `ms` from now, or when `until` is settled before; rejects as that does. */
export async function pause(clock: Clock, ms: number, until?: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  using _timer = clock.after(ms, resolve);
  await (until ? Promise.race([promise, until]) : promise);
}

/**
 * Runs `task` every `ms`, the first time `ms` from now; the next turn is set when the task has ended, so turns never overlap.
 * A turn that fails is told to `failed`, and the next one comes all the same.
 */
export function every(
  clock: Clock,
  ms: number,
  task: () => void | Promise<void>,
  failed: (error: unknown) => void,
): Disposable {
  let stopped = false;
  let timer: Disposable;
  const turn = async () => {
    try {
      await task();
    } catch (error) {
      failed(error);
    }
    if (!stopped) timer = clock.after(ms, turn);
  };
  timer = clock.after(ms, turn);
  return {
    [Symbol.dispose]() {
      stopped = true;
      timer[Symbol.dispose]();
    },
  };
}
