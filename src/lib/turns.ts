import { GatewayError } from './errors.ts';

/** Runs tasks one at a time, in the order of their coming; one that fails does not stop the next. Throws `degraded` when `limit` of them wait. */
export function createTurns(limit = Number.POSITIVE_INFINITY) {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return async function inTurn<T>(task: () => Promise<T>): Promise<T> {
    if (waiting >= limit) throw new GatewayError('degraded', 'Too many changes are under way');
    waiting += 1;
    const turn = last.then(task);
    last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      waiting -= 1;
    }
  };
}
