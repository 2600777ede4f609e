import { type Clock, pause } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Ahead } from './ahead.ts';
import { NotKept } from './disk.ts';
import type { SpoolRecord } from './segments.ts';
import type { Spool } from './spool.ts';
import type { ReadingStore } from './store.ts';

/** A larger batch takes fewer questions for each reading; a store that fails gets smaller ones, in case it could not keep its time. */
const LARGEST_BATCH = 20_000;
const SMALLEST_BATCH = 1_000;
const LONGEST_BACK_OFF_MS = 5_000;
/** When the end of the spool was not reached for so long, */
const BEHIND_MS = 5_000;
/** the newest readings go ahead, as often as this. */
const AHEAD_MS = 2_000;

/**
 * Carries readings from the spool to the store at its own pace, in batches. While the store fails, they wait in the spool
 * and are tried again with growing pauses. While it has a backlog to take, the newest readings go `ahead` of it, so that they are
 * found too. Dispose ends after the batch at hand.
 */
export function startDrain(parts: {
  spool: Spool;
  store: ReadingStore;
  ahead: Ahead;
  clock: Clock;
  log: Logger;
  waitMs: number;
  /** What is about to be stored; again when the store fails. */
  onRead?: (records: SpoolRecord[]) => Promise<void>;
  /** How long the store took for a batch. */
  onBatch?: (ms: number) => void;
}) {
  const { spool, store, ahead, clock, log, waitMs } = parts;
  const stopping = Promise.withResolvers<void>();
  let stopped = false;
  let failures = 0;
  let failed = 0;
  let movedAt = clock.ticks();
  /** When all that had come until then was read; what waits now came later, or waited at the start already. */
  let reachedEndAt = clock.ticks();
  let batch = LARGEST_BATCH;
  /** Up to where the newest were sent, and when. */
  let sentAhead = 0;
  let sentAheadAt = clock.ticks();
  /** What the store said last; unknown while it has not answered yet. */
  let position: number | undefined;
  /** Who waits until the store has a sequence, in order. */
  let reaching: { sequence: number; resolve: () => void; reject: (error: Error) => void }[] = [];

  function moveTo(sequence: number): void {
    position = sequence;
    const first = reaching.findIndex((one) => one.sequence > sequence);
    for (const { resolve } of reaching.splice(0, first < 0 ? reaching.length : first)) resolve();
  }

  /** Ends early when the drain is stopped. */
  const rest = (ms: number) => pause(clock, ms, stopping.promise);

  async function turn(): Promise<void> {
    const arrival = spool.arrival();
    if (position === undefined) {
      const known = await store.position();
      // The newest segments were lost. Stores pass over what they have, so all that is left is given to them once more.
      position = known > spool.state().last ? 0 : known;
      moveTo(position);
    }
    const readAt = clock.ticks();
    const records = await spool.read(position, batch);
    if (records.length === 0) {
      await spool.release(position);
      failures = 0;
      movedAt = clock.ticks();
      reachedEndAt = readAt;
      await Promise.race([arrival, stopping.promise]);
      movedAt = clock.ticks();
      await rest(waitMs);
      return;
    }
    await parts.onRead?.(records);
    const began = clock.ticks();
    await store.write(records);
    parts.onBatch?.(clock.ticks() - began);
    moveTo(records.at(-1)?.sequence ?? position);
    await spool.release(position);
    ahead.stored(position);
    failures = 0;
    movedAt = clock.ticks();
    if (records.length < batch) reachedEndAt = readAt;
    batch = Math.min(LARGEST_BATCH, 2 * batch);
    if (reachedEndAt === readAt) await rest(waitMs);
    else if (readAt - reachedEndAt >= BEHIND_MS) await sendAhead();
  }

  async function sendAhead(): Promise<void> {
    if (clock.ticks() - sentAheadAt < AHEAD_MS) return;
    const records = ahead.after(sentAhead);
    if (records.length > 0) await store.writeAhead(records);
    sentAhead = records.at(-1)?.sequence ?? sentAhead;
    sentAheadAt = clock.ticks();
  }

  async function run(): Promise<void> {
    while (!stopped) {
      try {
        await turn();
      } catch (error) {
        failures += 1;
        failed += 1;
        batch = Math.max(SMALLEST_BATCH, batch >> 1);
        log.error({ err: error, failures }, 'store: write failed; readings wait in the spool');
        await rest(Math.min(LONGEST_BACK_OFF_MS, 500 * 2 ** failures));
      }
    }
  }
  const running = run();

  return {
    /**
     * `failures` in a row, `failed` since the start. `stillMs`: for how long readings have waited without any of them reaching the store.
     * `oldestMs`: the oldest that waits came no longer ago, or before the start.
     */
    state: () => {
      const waiting = spool.state().last - (position ?? 0);
      const now = clock.ticks();
      return { failures, failed, waiting, stillMs: now - movedAt, oldestMs: waiting > 0 ? now - reachedEndAt : 0 };
    },
    /** Resolves when the store has all that is in the spool now; rejects when the gateway stops before. */
    reached(): Promise<void> {
      const sequence = spool.state().last;
      if (sequence <= (position ?? 0)) return Promise.resolve();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      reaching.push({ sequence, resolve, reject });
      return promise;
    },

    async [Symbol.asyncDispose](): Promise<void> {
      stopped = true;
      stopping.resolve();
      await running;
      for (const { reject } of reaching) reject(new NotKept('the gateway stops'));
      reaching = [];
    },
  };
}
export type Drain = ReturnType<typeof startDrain>;
