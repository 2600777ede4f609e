import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Caller } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { TerminalRow } from '../db/schema.ts';
import type { ImportRow, ImportState } from '../db/schema-imports.ts';
import { type Clock, pause } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';
import { createTurns } from '../lib/turns.ts';
import { createCheck } from './import-check.ts';
import { type RowError, rowError } from './import-errors.ts';
import { createImportRows, deleteTerminalsOf, forgetUnfinished, type ImportRequest, newImport } from './import-rows.ts';
import { type Encoding, readSheet, SheetTrouble } from './import-sheet.ts';
import { keepUpload } from './import-upload.ts';
import type { Profile } from './profile.ts';
import type { Registry } from './registry.ts';

/** Terminals from CSV files: one file at a time, all of it or nothing, while everything else goes on. */

/** Errors that are kept; all are counted. */
const MOST_ERRORS = 10_000;
/** Files that wait or are under way. */
const MOST_JOBS = 8;
const AGAIN_MS = 1_000;
const STOPPED = new Error('The gateway was stopped; nothing was imported');
const FAILED = 'The gateway failed; the log says why. Nothing was imported';

/** Parts of the whole that each pass takes, about. */
const CHECKING = 0.4;
const WRITING = 0.45;

interface Job {
  row: ImportRow;
  caller: Caller;
  file: string;
  encoding: Encoding;
  abort: AbortController;
  /** 0 to 1. */
  progress: number;
}

/** It was used before and removed; its row is still there. */
const wasThere = ({ householdSince }: TerminalRow): boolean => householdSince !== null;

export type ImportProgress = ImportRow & { progress: number };

/** Dispose ends the import that is under way; it has then imported nothing. */
export async function openImports(parts: {
  db: Database;
  clock: Clock;
  log: Logger;
  profiles: Map<string, Profile>;
  registry: Registry;
  /** Which gateway this is. */
  gatewayId: string;
  /** For files that wait. */
  folder: string;
  limits: { rows: number; bytes: number; exportMs: number };
}) {
  const { db, clock, log, profiles, registry, gatewayId, folder, limits } = parts;
  const { memory, placement, alone, onChange } = registry.bulk;
  const rows = createImportRows(db);
  const jobs = new Map<string, Job>();
  const inTurn = createTurns(MOST_JOBS);
  await forgetUnfinished(db, gatewayId, clock.now());
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });

  async function save(job: Job, change: Partial<ImportRow>): Promise<void> {
    await db.updateTable('imports').set(change).where('id', '=', job.row.id).execute();
    Object.assign(job.row, change);
  }

  async function note(job: Job, errors: RowError[]): Promise<void> {
    const kept = errors.slice(0, Math.max(0, MOST_ERRORS - job.row.errors));
    await rows.addErrors(job.row.id, job.row.errors, kept);
    job.row.errors += errors.length;
  }

  /** Goes through the file, and gives each part of what can be written to `write`. */
  async function pass(job: Job, [from, share]: [number, number], write: (part: TerminalRow[]) => Promise<void>) {
    const { row, caller, abort } = job;
    Object.assign(row, { rowCount: 0, created: 0, unchanged: 0 });
    const check = await createCheck({ db, memory, placement, profiles, caller, unclaimed: row.unclaimed === 1 });
    const now = clock.now();
    try {
      for await (const part of readSheet(job.file, job.encoding, abort.signal)) {
        row.rowCount += part.rows.length;
        const last = part.rows.at(-1);
        if (last && row.rowCount > limits.rows) throw new SheetTrouble(last.row, 'too_many_rows', String(limits.rows));
        const found = await check.rows(part.rows);
        await note(job, found.errors);
        row.created += found.terminals.length;
        row.unchanged += found.unchanged;
        await write(found.terminals.map((terminal) => rows.rowOf(terminal, row.id, now, row.unclaimed === 1)));
        job.progress = from + (share * part.bytesRead) / Math.max(1, row.bytes);
        await nextTurn();
        abort.signal.throwIfAborted();
      }
      if (row.rowCount === 0) throw new SheetTrouble(1, 'no_rows', '');
      await note(job, check.end());
    } catch (error) {
      if (!(error instanceof SheetTrouble)) throw error;
      await note(job, [rowError(error.row, null, error.code, error.value)]);
    }
  }

  /** Checked once more while it is written, since others may have come before it. */
  async function write(job: Job): Promise<void> {
    const { id } = job.row;
    const again: TerminalRow[] = [];
    await pass(job, [CHECKING, WRITING], async (part) => {
      if (job.row.errors > 0) return;
      again.push(...part.filter(wasThere));
      await rows.insert(part.filter((row) => !wasThere(row)));
    });
    if (job.row.errors > 0) {
      await deleteTerminalsOf(db, id);
      return end(job, 'refused');
    }
    const { rowCount, created, unchanged } = job.row;
    const exportUntil = created > 0 ? clock.now() + limits.exportMs : null;
    const done = { state: 'done', errors: 0, finishedAt: clock.now(), exportUntil } as const;
    await rows.commit(again, { id, rowCount, created, unchanged, ...done });
    await publish(job).catch((error) => log.error({ err: error }, 'import: telling of its terminals failed'));
    Object.assign(job.row, done);
  }

  /** Into memory, where terminals begin to be. What is committed is not given up: after a restart it would be there. */
  async function publish(job: Job): Promise<void> {
    let published = 0;
    for await (const ids of rows.idsOf(job.row.id)) {
      await patiently(() => memory.reload(ids), job.abort.signal);
      for (const id of ids) await onChange(id, 'added');
      published += ids.length;
      job.progress = CHECKING + WRITING + (1 - CHECKING - WRITING) * (published / Math.max(1, job.row.created));
      await nextTurn();
    }
  }

  async function patiently(task: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await task();
        return;
      } catch (error) {
        log.error({ err: error }, 'import: terminals could not be read back');
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
    await pass(job, [0, job.row.dryRun ? 1 : CHECKING], async () => undefined);
    if (job.row.errors > 0) return end(job, 'refused');
    if (job.row.dryRun) return end(job, 'done');
    await alone(async () => {
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
      await deleteTerminalsOf(db, job.row.id);
      await end(job, state, detail);
    } catch (failure) {
      // The next start does it.
      log.error({ err: failure }, 'import: what was written could not be taken back');
      Object.assign(job.row, { state: 'failed', detail });
    }
  }

  const underWay = new Set<Promise<void>>();
  let receiving = 0;

  /** Answers at once; the import goes on by itself. */
  function begin(job: Job): void {
    jobs.set(job.row.id, job);
    const work = inTurn(() => run(job))
      .catch((error) => giveUp(job, error))
      .finally(async () => {
        jobs.delete(job.row.id);
        underWay.delete(work);
        await rm(job.file, { force: true });
      });
    underWay.add(work);
  }

  const visible = (caller: Caller) =>
    db
      .selectFrom('imports')
      .selectAll()
      .$if(caller.role !== 'admin', (query) => query.where('companyId', '=', caller.companyId ?? ''));

  const shown = (row: ImportRow): ImportProgress => {
    const job = jobs.get(row.id);
    return job ? { ...job.row, progress: job.progress } : { ...row, progress: 1 };
  };

  async function get(caller: Caller, id: string): Promise<ImportProgress> {
    const row = await visible(caller).where('id', '=', id).executeTakeFirst();
    if (!row) throw new GatewayError('not_found');
    return shown(row);
  }

  return {
    get,
    /** Ids of the terminals of an import, some at a time. */
    idsOf: rows.idsOf,

    async list(caller: Caller, { limit, cursor }: Page) {
      const found = await visible(caller)
        .$if(cursor !== undefined, (query) => query.where('id', '<', cursor ?? ''))
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(found.map(shown), limit);
    },

    /** Keeps the file and begins. Throws `too_many_requests` and `body_too_large`. */
    async receive(caller: Caller, body: Readable, request: ImportRequest): Promise<ImportProgress> {
      if (jobs.size + receiving >= MOST_JOBS) throw new GatewayError('too_many_requests', 'Too many imports wait');
      const id = newId('imp');
      const file = join(folder, `${id}.csv`);
      receiving += 1;
      try {
        const { bytes, encoding } = await keepUpload(body, file, { maxBytes: limits.bytes, clock });
        const row = newImport({ id, gatewayId, caller, bytes, ...request, createdAt: clock.now() });
        await db.insertInto('imports').values(row).execute();
        begin({ row, caller, file, encoding, abort: new AbortController(), progress: 0 });
        return { ...row, progress: 0 };
      } catch (error) {
        await rm(file, { force: true });
        throw error;
      } finally {
        receiving -= 1;
      }
    },

    /** Before it is done; nothing is imported then. */
    async cancel(caller: Caller, id: string): Promise<ImportProgress> {
      const found = await get(caller, id);
      const job = jobs.get(id);
      if (!job) throw new GatewayError('wrong_state', `It is ${found.state} already`);
      job.abort.abort();
      return found;
    },

    async errors(caller: Caller, id: string, after: number, limit: number) {
      await get(caller, id);
      return db
        .selectFrom('importErrors')
        .selectAll()
        .where('importId', '=', id)
        .where('n', '>', after)
        .orderBy('n')
        .limit(limit)
        .execute();
    },

    /** Deletes imports, and their errors, that are older. */
    async forget(before: number): Promise<void> {
      await db.deleteFrom('imports').where('createdAt', '<', before).where('finishedAt', 'is not', null).execute();
    },

    async [Symbol.asyncDispose](): Promise<void> {
      for (const job of jobs.values()) job.abort.abort(STOPPED);
      await Promise.all(underWay);
    },
  };
}
export type Imports = Awaited<ReturnType<typeof openImports>>;
