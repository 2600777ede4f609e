/** Who is next on a line: one at a time, commands before polls. */

/** More than this waiting means that the line cannot keep up. */
const MOST_WAITING = 1_000;

export function createTurns(name: string) {
  const waiting: Record<'command' | 'poll', (() => Promise<void>)[]> = { command: [], poll: [] };
  let working: Promise<void> | undefined;

  async function work(): Promise<void> {
    for (;;) {
      const next = waiting.command.shift() ?? waiting.poll.shift();
      if (!next) break;
      await next();
    }
    working = undefined;
  }

  return {
    /** Runs `task` when those before it are through. */
    take<T>(kind: 'command' | 'poll', task: () => Promise<T>): Promise<T> {
      const queue = waiting[kind];
      if (queue.length >= MOST_WAITING) return Promise.reject(new Error(`${name}: ${queue.length} requests wait`));
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      queue.push(() => task().then(resolve, reject));
      working ??= work();
      return promise;
    },
    waiting: (): number => waiting.command.length + waiting.poll.length,
    idle: async (): Promise<void> => working,
  };
}
