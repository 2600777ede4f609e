import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Presence } from '../terminals/presence.ts';
import type { Ahead } from './ahead.ts';
import type { Latest } from './latest.ts';
import type { Spool } from './spool.ts';
import type { ReadingStore } from './store.ts';

/** What was known before a restart comes back: what waits in the spool, and the newest values of the store. */

const BATCH = 10_000;
const AGAIN_MS = 5_000;
/** A long spool is read to its end while terminals are served already. */
const LONGEST_WAIT_MS = 10_000;

/** Resolves when all is remembered, when the store is away, in which case it is tried again until it is back, or after ten seconds. */
export async function startMemory(parts: {
  store: ReadingStore;
  spool: Spool;
  ahead: Ahead;
  latest: Latest;
  presence: Presence;
  clock: Clock;
  log: Logger;
}): Promise<Disposable> {
  const { store, spool, ahead, latest, presence, clock, log } = parts;
  const stopping = new AbortController();
  let again: Disposable | undefined;

  async function readSpool(): Promise<void> {
    const { last } = spool.state();
    const reader = spool.reader();
    // All of it while the store is away.
    const stored = await store.position().catch(() => 0);
    for (let position = stored; position < last && !stopping.signal.aborted; ) {
      const records = await reader.read(position, BATCH);
      if (records.length === 0) break;
      for (const record of records) {
        const { terminalId, time, values } = record;
        ahead.remember(record);
        latest.update(terminalId, time, values);
        presence.seen(terminalId, time);
      }
      position = records.at(-1)?.sequence ?? last;
    }
    ahead.open();
  }

  async function askStore(): Promise<void> {
    try {
      for (const { terminalId, metric, time, value } of await store.newest()) {
        latest.set(terminalId, metric, value, time);
        presence.seen(terminalId, time);
      }
    } catch (error) {
      log.warn({ reason: String(error) }, 'store: away; the latest values before the restart come when it is back');
      if (!stopping.signal.aborted) again = clock.after(AGAIN_MS, askStore);
    }
  }

  const { promise: longest, resolve } = Promise.withResolvers<void>();
  using _timer = clock.after(LONGEST_WAIT_MS, resolve);
  await Promise.race([longest, Promise.all([readSpool(), askStore()])]);
  return {
    [Symbol.dispose]() {
      stopping.abort();
      again?.[Symbol.dispose]();
    },
  };
}
