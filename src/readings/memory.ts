import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Presence } from '../terminals/presence.ts';
import type { Latest } from './latest.ts';
import type { Spool } from './spool.ts';
import type { ReadingStore } from './store.ts';

/** What was known before a restart comes back: the newest values of the store, then what still waits in the spool. */

const BATCH = 10_000;
const AGAIN_MS = 5_000;

/** Resolves when all is remembered, or when the store is away; then it is tried again until it is back. */
export async function startMemory(parts: {
  store: ReadingStore;
  spool: Spool;
  latest: Latest;
  presence: Presence;
  clock: Clock;
  log: Logger;
}): Promise<Disposable> {
  const { store, spool, latest, presence, clock, log } = parts;
  let again: Disposable | undefined;

  async function remember(): Promise<void> {
    for (const { terminalId, metric, time, value } of await store.newest()) {
      latest.set(terminalId, metric, value, time);
      presence.seen(terminalId, time);
    }
    let position = await store.position();
    for (let records = await spool.read(position, BATCH); records.length > 0; ) {
      for (const { terminalId, time, values } of records) {
        latest.update(terminalId, time, values);
        presence.seen(terminalId, time);
      }
      position = records.at(-1)?.sequence ?? position;
      records = await spool.read(position, BATCH);
    }
  }

  async function attempt(): Promise<void> {
    try {
      await remember();
    } catch (error) {
      log.warn({ reason: String(error) }, 'store: away; the latest values before the restart come when it is back');
      again = clock.after(AGAIN_MS, attempt);
    }
  }
  await attempt();
  return { [Symbol.dispose]: () => again?.[Symbol.dispose]() };
}
