import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Caller, visibleTerminals } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { QuarantineRow } from '../db/schema.ts';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';
import type { Reject } from '../terminals/decode.ts';
import { openQuarantineRows, type QuarantineLimits, rowsOf } from './quarantine-rows.ts';

/** Data that was refused, kept with its reason. What is added gathers for one commit and is on disk when `add` resolves. */

/** Rows of one commit: more would hold everything else for too long. */
const MOST_AT_ONCE = 500;
/** What may wait for a commit. */
const MOST_WAITING_ROWS = 20_000;
const MOST_WAITING_CHARACTERS = 64_000_000;

interface Waiting {
  rows: QuarantineRow[];
  characters: number;
  done: () => void;
  failed: (error: unknown) => void;
}

export interface QuarantineFilter {
  terminalId?: string | undefined;
  reason?: string | undefined;
}

/** One terminal has a hundredth of the bytes, or what a few of the largest messages take. */
const SHARES = 100;
const LARGEST_MESSAGES = 4;

/** What the settings of `readings` say of it, where messages have `largest` bytes at most. */
export const quarantineLimits = (
  readings: Record<'quarantineRows' | 'quarantinePerTerminal' | 'quarantineBytes' | 'commitWaitMs', number>,
  largest: number,
) => ({
  rows: readings.quarantineRows,
  rowsPerTerminal: readings.quarantinePerTerminal,
  bytes: readings.quarantineBytes,
  bytesPerTerminal: Math.max(readings.quarantineBytes / SHARES, LARGEST_MESSAGES * largest),
  commitWaitMs: readings.commitWaitMs,
});

/** Dispose commits what waits. */
export async function openQuarantine(
  options: QuarantineLimits & {
    /** How long rows gather for one commit. */
    commitWaitMs: number;
  },
  { db, clock, log }: { db: Database; clock: Clock; log: Logger },
) {
  const kept = await openQuarantineRows(db, options);
  let waiting: Waiting[] = [];
  let waitingRows = 0;
  let waitingCharacters = 0;
  let commits: Promise<void> = Promise.resolve();
  let timer: Disposable | undefined;
  let added = 0;
  let closed = false;
  let failed = 0;
  /** Commits that failed since the last good one, and when the last of them did, by the clock's ticks. */
  let failures = 0;
  let failedAt = 0;

  const isFull = () => waitingRows >= MOST_WAITING_ROWS || waitingCharacters >= MOST_WAITING_CHARACTERS;

  /** The next of what waits, as much as one commit takes. */
  function nextBatch(): Waiting[] {
    let rows = 0;
    const end = waiting.findIndex((one) => {
      rows += one.rows.length;
      return rows > MOST_AT_ONCE;
    });
    const batch = end === -1 ? waiting : waiting.slice(0, end);
    waiting = end === -1 ? [] : waiting.slice(end);
    for (const one of batch) {
      waitingRows -= one.rows.length;
      waitingCharacters -= one.characters;
    }
    return batch;
  }

  async function commit(): Promise<void> {
    while (waiting.length > 0) {
      const batch = nextBatch();
      const rows = batch.flatMap((one) => one.rows);
      try {
        await kept.insert(rows);
        added += rows.length;
        failures = 0;
        for (const { done } of batch) done();
      } catch (error) {
        failed += 1;
        failures += 1;
        failedAt = clock.ticks();
        log.error({ err: error }, 'quarantine: commit failed; these messages are not acknowledged');
        for (const one of batch) one.failed(error);
      }
      await nextTurn();
    }
  }

  function commitSoon(): void {
    timer ??= clock.after(options.commitWaitMs, () => {
      timer = undefined;
      commits = commits.then(commit);
    });
  }

  return {
    /**
     * Resolves when the rejects are on disk; rejects, and keeps none of them, when that failed or too much waits already.
     * A requeueable frame is one that can be decoded once more.
     */
    add(terminalId: string, rejects: Reject[], frame: string, requeueable = false): Promise<void> {
      if (closed || isFull()) {
        return Promise.reject(new Error('quarantine takes no more now'));
      }
      const rows = rowsOf({ id: newId('q'), terminalId, receivedAt: clock.now(), frame }, rejects, requeueable);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting.push({ rows, characters: frame.length, done: resolve, failed: reject });
      waitingRows += rows.length;
      waitingCharacters += frame.length;
      commitSoon();
      return promise;
    },

    /** The newest first. */
    async list(caller: Caller, { limit, cursor, terminalId, reason }: Page & QuarantineFilter) {
      let query = db
        .selectFrom('quarantine')
        .innerJoin('terminals', 'terminals.id', 'quarantine.terminalId')
        .selectAll('quarantine')
        .where(visibleTerminals(caller));
      if (terminalId) query = query.where('quarantine.terminalId', '=', terminalId);
      if (reason) query = query.where('quarantine.reason', '=', reason);
      if (cursor) query = query.where('quarantine.id', '<', cursor);
      return pageOf(
        await query
          .orderBy('quarantine.id', 'desc')
          .limit(limit + 1)
          .execute(),
        limit,
      );
    },

    /** How often each terminal's values were refused, by reason and metric, most first; also those that are no longer kept. */
    counts(caller: Caller, { limit, terminalId, reason }: { limit: number } & QuarantineFilter) {
      let query = db
        .selectFrom('quarantineCounts')
        .innerJoin('terminals', 'terminals.id', 'quarantineCounts.terminalId')
        .selectAll('quarantineCounts')
        .where(visibleTerminals(caller));
      if (terminalId) query = query.where('quarantineCounts.terminalId', '=', terminalId);
      if (reason) query = query.where('quarantineCounts.reason', '=', reason);
      return query.orderBy('quarantineCounts.count', 'desc').limit(limit).execute();
    },

    /** Deletes rows that came before a time; gives how many. What was counted stays counted. */
    async purge(before: number, terminalId?: string): Promise<number> {
      let purged = 0;
      for (;;) {
        const gone = await kept.purge(before, terminalId, MOST_AT_ONCE);
        purged += gone;
        if (gone < MOST_AT_ONCE) return purged;
        await nextTurn();
      }
    },

    replace: kept.replace,
    added: () => added,
    state: () => ({
      bytes: kept.bytes(),
      maxBytes: options.bytes,
      isFull: isFull(),
      /** Commits that failed since the start. */
      failed,
      failures,
      /** How long ago the last of them failed. */
      failedAgoMs: clock.ticks() - failedAt,
    }),

    async [Symbol.asyncDispose](): Promise<void> {
      closed = true;
      timer?.[Symbol.dispose]();
      commits = commits.then(commit);
      await commits;
    },
  };
}
export type Quarantine = Awaited<ReturnType<typeof openQuarantine>>;
