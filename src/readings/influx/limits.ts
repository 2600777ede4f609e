/** A limit of time for whatever is asked of a server, and an end of all of it at once. */

export const REQUEST_TIMEOUT_MS = 30_000;
/** For what the server computes by itself. */
export const LONG_TIMEOUT_MS = 600_000;
/** The times that a server knows: nanoseconds in 64 bits. Epoch ms. */
const [EARLIEST, LATEST] = [-9_223_372_036_000, 9_223_372_036_000];

export const clamp = (time: number): number => Math.min(Math.max(time, EARLIEST), LATEST);

export function createLimits() {
  const closing = new AbortController();
  const within = (ms: number): AbortSignal => AbortSignal.any([closing.signal, AbortSignal.timeout(ms)]);

  return {
    within,

    /** Also for clients that wait for ever for the rest of an answer that was cut. */
    async limited<T>(ms: number, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
      const signal = within(ms);
      signal.throwIfAborted();
      const { promise: aborted, reject } = Promise.withResolvers<never>();
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      return Promise.race([task(signal), aborted]);
    },

    close: () => closing.abort(new Error('the store is closed')),
  };
}
