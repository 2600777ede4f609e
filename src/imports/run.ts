import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Caller } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import type { ImportRow, ImportState } from '../db/schema-imports.ts';
import { type Clock, pause } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { type RowError, rowError, SheetTrouble } from './errors.ts';
import type { Found, ImportKind, ImportPass } from './kind.ts';
import { addErrors } from './rows.ts';
import { type Encoding, readSheet } from './sheet.ts';

/** One import from its file to its end: checked, checked again while it is written, and committed. */

/** Errors that are kept; all are counted. */
const MOST_ERRORS = 10_000;
const AGAIN_MS = 1_000;
/** Why a job is aborted when nobody cancelled it. */
export const STOPPED = new Error('The gateway was stopped; nothing was imported');
const FAILED = 'The gateway failed; the log says why. Nothing was imported';

/** Parts of the whole that each pass takes, about. */
const CHECKING = 0.4;
const WRITING = 0.45;

export interface Job {
  row: ImportRow;
  kind: ImportKind;
  caller: Caller;
  file: string;
  encoding: Encoding;
  abort: AbortController;
  /** 0 to 1. */
  progress: number;
}

export function createRun(parts: { db: Database; clock: Clock; log: Logger; mostRows: number }) {
  const { db, clock, log, mostRows } = parts;

  async function save(job: Job, change: Partial<ImportRow>): Promise<void> {
    await db.updateTable('imports').set(change).where('id', '=', job.row.id).execute();
    Object.assign(job.row, change);
  }

  async function note(job: Job, errors: RowError[]): Promise<void> {
    const kept = errors.slice(0, Math.max(0, MOST_ERRORS - job.row.errors));
    await addErrors(db, job.row.id, job.row.errors, kept);
    job.row.errors += errors.length;
  }

  /** Goes through the file, and gives each part of what can be written to `write`. */
  async function goThrough(
    job: Job,
    [from, share]: [number, number],
    write: (found: Found) => Promise<void>,
  ): Promise<ImportPass> {
    const { row, kind, caller, abort } = job;
    Object.assign(row, { rowCount: 0, created: 0, unchanged: 0 });
    const pass = await kind.openPass(row, caller);
    try {
      for await (const part of readSheet(job.file, job.encoding, kind, abort.signal)) {
        row.rowCount += part.rows.length;
        const last = part.rows.at(-1);
        if (last && row.rowCount > mostRows) throw new SheetTrouble(last.row, 'too_many_rows', String(mostRows));
        const found = await pass.rows(part.rows);
        await note(job, found.errors);
        row.created += found.created;
        row.unchanged += found.unchanged;
        await write(found);
        job.progress = from + (share * part.bytesRead) / Math.max(1, row.bytes);
        await nextTurn();
        abort.signal.throwIfAborted();
      }
      if (row.rowCount === 0) throw new SheetTrouble(1, 'no_rows', '');
      await note(job, pass.end());
    } catch (error) {
      if (!(error instanceof SheetTrouble)) throw error;
      await note(job, [rowError(error.row, null, error.code, error.value)]);
    }
    return pass;
  }

  /** Checked once more while it is written, since others may have come before it. */
  async function write(job: Job): Promise<void> {
    const { id } = job.row;
    const pass = await goThrough(job, [CHECKING, WRITING], async (found) => {
      if (job.row.errors === 0) await found.write();
    });
    if (job.row.errors > 0) {
      await job.kind.undo(id);
      return end(job, 'refused');
    }
    const { rowCount, created, unchanged } = job.row;
    const done = { state: 'done', errors: 0, finishedAt: clock.now() } as const;
    const own = await db.transaction().execute(async (transaction) => {
      const columns = await pass.commit(transaction, created);
      const whole = { rowCount, created, unchanged, ...columns, ...done };
      await transaction.updateTable('imports').set(whole).where('id', '=', id).execute();
      return columns;
    });
    await publish(job);
    Object.assign(job.row, own, done);
  }

  /** What is committed is not given up: after a restart it would be there. */
  async function publish(job: Job): Promise<void> {
    const { row, kind, abort } = job;
    if (!kind.publish) return;
    let published = 0;
    for (let last: string | undefined = ''; last !== undefined && !abort.signal.aborted; ) {
      try {
        const some: Awaited<ReturnType<typeof kind.publish>> = await kind.publish(row.id, last);
        published += some?.count ?? 0;
        job.progress = CHECKING + WRITING + (1 - CHECKING - WRITING) * (published / Math.max(1, row.created));
        last = some?.last;
        await nextTurn();
      } catch (error) {
        log.error({ err: error }, 'import: what it brought could not be read back');
        await pause(clock, AGAIN_MS);
      }
    }
  }

  async function end(job: Job, state: ImportState, detail: string | null = null): Promise<void> {
    const { rowCount, created, unchanged, errors } = job.row;
    const counts = { rowCount, created: state === 'done' ? created : 0, unchanged, errors };
    await save(job, { ...counts, state, detail, finishedAt: clock.now() });
  }

  async function run(job: Job): Promise<void> {
    job.abort.signal.throwIfAborted();
    await save(job, { state: 'checking' });
    await goThrough(job, [0, job.row.dryRun ? 1 : CHECKING], async () => undefined);
    if (job.row.errors > 0) return end(job, 'refused');
    if (job.row.dryRun) return end(job, 'done');
    await job.kind.alone(async () => {
      await save(job, { state: 'writing' });
      await write(job);
    });
  }

  /** Why an import ended without having done its work. */
  async function giveUp(job: Job, error: unknown): Promise<void> {
    const { aborted, reason } = job.abort.signal;
    if (!aborted) log.error({ err: error }, 'import failed');
    const state = aborted && reason !== STOPPED ? 'cancelled' : 'failed';
    const detail = state === 'cancelled' ? null : aborted ? STOPPED.message : FAILED;
    try {
      await job.kind.undo(job.row.id);
      await end(job, state, detail);
    } catch (failure) {
      // The next start does it.
      log.error({ err: failure }, 'import: what was written could not be taken back');
      Object.assign(job.row, { state: 'failed', detail });
    }
  }

  /** Never rejects. */
  return (job: Job): Promise<void> => run(job).catch((error) => giveUp(job, error));
}
