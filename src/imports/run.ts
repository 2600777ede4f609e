import { stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Caller } from '../areas/scope.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../db/database.ts';
import type { ImportRow, ImportState } from '../db/schema-imports.ts';
import { type Clock, pause } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { type RowError, rowError, SheetTrouble } from './errors.ts';
import type { Found, ImportKind, ImportPass } from './kind.ts';
import { addErrors } from './rows.ts';
import { readSheet } from './sheet.ts';

/** One import from its file to its end: checked, checked again while it is written, and committed. */

/** Errors that are kept; all are counted. */
const MOST_ERRORS = 10_000;
const AGAIN_MS = 1_000;
/** Why a job is aborted when nobody cancelled it: it goes on at the next start. */
export const STOPPED = new Error('The gateway was stopped');
const FAILED = 'The gateway failed; the log says why. Nothing was imported';

/** Parts of the whole that each pass takes, about; what is left is for what comes after. */
const CHECKING = 0.4;
const WRITING = 0.4;
const BOOKED = 0.95;

export interface Job {
  row: ImportRow;
  kind: ImportKind;
  caller: Caller;
  file: string;
  abort: AbortController;
  /** It comes to its end whatever happens: nobody can cancel it any more. */
  certain: boolean;
  /** 0 to 1. */
  progress: number;
}

export function createRun(parts: {
  db: Database;
  clock: Clock;
  log: Logger;
  audit: Audit;
  limits: { rows: number; bytes: number };
}) {
  const { db, clock, log, audit, limits } = parts;

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
    write: (found: Found) => Promise<RowError[]>,
  ): Promise<ImportPass> {
    const { row, kind, caller, abort } = job;
    Object.assign(row, { rowCount: 0, created: 0, unchanged: 0, booked: 0 });
    const pass = await kind.openPass(row, caller);
    try {
      for await (const part of readSheet(job.file, kind, { signal: abort.signal, mostBytes: limits.bytes })) {
        row.rowCount += part.rows.length;
        const last = part.rows.at(-1);
        if (last && row.rowCount > limits.rows) throw new SheetTrouble(last.row, 'too_many_rows', String(limits.rows));
        const found = await pass.rows(part.rows);
        await note(job, [...part.errors, ...found.errors]);
        for (const count of ['created', 'unchanged', 'booked'] as const) row[count] += found[count];
        if (row.errors === 0) await note(job, await write(found));
        job.progress = from + share * Math.min(1, part.bytesRead / Math.max(1, row.bytes));
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

  /** Until it succeeds, or the gateway stops. */
  async function patiently<T>({ abort: { signal } }: Job, task: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await task();
      } catch (error) {
        log.error({ err: error }, 'import: this is tried again');
        await pause(clock, AGAIN_MS);
        signal.throwIfAborted();
      }
    }
  }

  async function stepThrough(job: Job, step: ImportKind['book'], [from, to]: [number, number]): Promise<void> {
    let done = 0;
    for (let last: string | undefined = ''; step && last !== undefined; ) {
      const after: string = last;
      const some = await patiently(job, () => step(job.row.id, after));
      done += some?.count ?? 0;
      last = some?.last;
      job.progress = from + (to - from) * Math.min(1, done / Math.max(1, job.row.rowCount));
      await nextTurn();
      job.abort.signal.throwIfAborted();
    }
  }

  /** All of it is written. What can be booked only once is booked by who comes this far, however often it is interrupted. */
  async function complete(job: Job, commit?: ImportPass['commit']): Promise<void> {
    const { row, kind } = job;
    await stepThrough(job, kind.book, [CHECKING + WRITING, BOOKED]);
    const { id, requestedName: actor, companyId, fileName, rowCount, created, unchanged, booked } = row;
    const done = { state: 'done', errors: 0, finishedAt: clock.now() } as const;
    const counts = { rowCount, created, unchanged, booked };
    const commitAll = () =>
      db.transaction().execute(async (transaction) => {
        const columns = await commit?.(transaction, created);
        await transaction
          .updateTable('imports')
          .set({ ...counts, ...columns, ...done })
          .where('id', '=', id)
          .execute();
        const detail = { kind: row.kind, fileName, ...counts };
        await audit.record(transaction, { actor, action: 'import_finished', subject: id, companyId, detail });
        return columns;
      });
    const own = kind.book ? await patiently(job, commitAll) : await commitAll();
    // What is committed is not given up: after a restart it would be there.
    await stepThrough(job, kind.publish, [BOOKED, 1]).catch(() => undefined);
    Object.assign(row, own, done);
  }

  /** Nothing counts of what an import has written that is not done, so it is taken back afterwards. */
  async function end(job: Job, state: ImportState, detail: string | null = null): Promise<void> {
    const { rowCount, created, unchanged, booked, errors } = job.row;
    const made = state === 'done' ? { created, booked } : { created: 0, booked: 0 };
    await save(job, { rowCount, unchanged, errors, ...made, state, detail, finishedAt: clock.now() });
    await job.kind.undo(job.row.id);
  }

  /** What a run before a restart has left. */
  async function beginAnew({ row, kind, file }: Job): Promise<void> {
    const { size } = await stat(file);
    if (size !== row.bytes) throw new Error(`the file of import ${row.id} is not whole`);
    await kind.undo(row.id);
    await db.deleteFrom('importErrors').where('importId', '=', row.id).execute();
    row.errors = 0;
  }

  async function run(job: Job): Promise<void> {
    const { row, kind, abort } = job;
    abort.signal.throwIfAborted();
    if (job.certain) return complete(job);
    if (row.state !== 'waiting') await beginAnew(job);
    row.state = 'checking';
    await save(job, { state: 'checking' });
    await goThrough(job, [0, row.dryRun ? 1 : CHECKING], async () => []);
    if (row.errors > 0) return end(job, 'refused');
    if (row.dryRun) return end(job, 'done');
    await kind.alone(async () => {
      await save(job, { state: 'writing' });
      // Checked once more, since others may have come before it.
      const pass = await goThrough(job, [CHECKING, WRITING], (found) => found.write());
      if (row.errors > 0) return end(job, 'refused');
      abort.signal.throwIfAborted();
      job.certain = true;
      const { rowCount, created, unchanged, booked } = row;
      if (kind.book) await patiently(job, () => save(job, { state: 'booking', rowCount, created, unchanged, booked }));
      await complete(job, pass.commit);
    });
  }

  /** Why an import ended without having done its work. */
  async function giveUp(job: Job, error: unknown): Promise<void> {
    const { aborted, reason } = job.abort.signal;
    if (reason === STOPPED || job.row.finishedAt !== null) return;
    if (!aborted) log.error({ err: error }, 'import failed');
    await (aborted ? end(job, 'cancelled') : end(job, 'failed', FAILED));
  }

  return {
    end,
    /** To its end, or until the gateway stops. Never rejects. */
    toEnd: (job: Job): Promise<void> =>
      run(job)
        .catch((error) => giveUp(job, error))
        // The next start does it.
        .catch((error) => log.error({ err: error }, 'import: what was written could not be taken back')),
  };
}
