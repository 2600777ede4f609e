import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Caller } from '../areas/scope.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import { type ImportKindName, type ImportRow, UNFINISHED_IMPORTS } from '../db/schema-imports.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';
import { createTurns } from '../lib/turns.ts';
import { FILE_ERRORS, type RowError, type Words } from './errors.ts';
import type { ImportKind } from './kind.ts';
import { type ImportRequest, newImport } from './rows.ts';
import { createRun, type Job, STOPPED } from './run.ts';
import { templateOf } from './sheet.ts';
import { keepUpload } from './upload.ts';

/** What files bring: one file at a time, all of it or nothing, while everything else goes on. */

/** Files that wait or are under way. */
const MOST_JOBS = 8;

export type ImportProgress = ImportRow & { progress: number };
export type ImportErrorView = RowError & { title: Words | null; message: Words };

/** Only admins and companies import. */
const callerOf = ({ requestedBy, requestedName, companyId }: ImportRow): Caller => ({
  id: requestedBy,
  name: requestedName,
  role: companyId === null ? 'admin' : 'company',
  companyId,
  areaCode: null,
  householdId: null,
});

/** Goes on with what a stop or a crash has cut off. Dispose stops the import that is under way, until the next start. */
export async function openImports(parts: {
  db: Database;
  clock: Clock;
  log: Logger;
  audit: Audit;
  kinds: Record<ImportKindName, ImportKind>;
  /** Which gateway this is. */
  gatewayId: string;
  /** For files that wait. */
  folder: string;
  limits: { rows: number; bytes: number };
}) {
  const { db, clock, log, audit, kinds, gatewayId, folder, limits } = parts;
  const jobs = new Map<string, Job>();
  const run = createRun({ db, clock, log, audit, limits });
  const inTurn = createTurns(MOST_JOBS);
  await mkdir(folder, { recursive: true, mode: 0o700 });

  const fileOf = (id: string): string => join(folder, id);

  const underWay = new Set<Promise<void>>();
  let receiving = 0;

  /** Answers at once; the import goes on by itself. */
  function begin(row: ImportRow): void {
    const job: Job = {
      ...{ row, kind: kinds[row.kind], caller: callerOf(row), file: fileOf(row.id) },
      ...{ abort: new AbortController(), certain: row.state === 'booking', progress: 0 },
    };
    jobs.set(row.id, job);
    const work = inTurn(() => run.toEnd(job)).finally(async () => {
      jobs.delete(row.id);
      underWay.delete(work);
      if (row.finishedAt !== null) await rm(job.file, { force: true });
    });
    underWay.add(work);
  }

  /** What a crash has left of imports that came to nothing. */
  async function undoEnded(): Promise<void> {
    const ended = await db
      .selectFrom('imports')
      .select(['id', 'kind'])
      .where('gatewayId', '=', gatewayId)
      .where('state', 'not in', ['done', ...UNFINISHED_IMPORTS])
      .execute();
    for (const { id, kind } of ended) await kinds[kind].undo(id);
  }

  const left = await db
    .selectFrom('imports')
    .selectAll()
    .where('gatewayId', '=', gatewayId)
    .where('state', 'in', UNFINISHED_IMPORTS)
    .orderBy('id')
    .execute();
  await undoEnded();
  const kept = new Set(left.map(({ id }) => id));
  for (const name of await readdir(folder)) if (!kept.has(name)) await rm(join(folder, name), { force: true });
  for (const row of left) begin(row);

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
    /** A file to begin with. */
    template: (kind: ImportKindName, language: 'zh' | 'en') => templateOf(kinds[kind], language),

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
      const file = fileOf(id);
      receiving += 1;
      try {
        const { bytes } = await keepUpload(body, file, { maxBytes: limits.bytes, clock });
        const row = newImport({ id, gatewayId, caller, bytes, ...request, createdAt: clock.now() });
        await db.insertInto('imports').values(row).execute();
        begin(row);
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
      if (!job || job.certain || job.row.finishedAt !== null) {
        throw new GatewayError('wrong_state', `It is ${found.state} already`);
      }
      job.abort.abort();
      // One that waits need not wait for its turn.
      if (job.row.state === 'waiting') await run.end(job, 'cancelled');
      return shown(job.row);
    },

    /** In the order of the file, with what each means and what its column is called in Chinese. */
    async errors(
      caller: Caller,
      id: string,
      after: number,
      limit: number,
    ): Promise<(ImportErrorView & { n: number })[]> {
      const { errors, columns } = kinds[(await get(caller, id)).kind];
      const words: Record<string, Words> = { ...FILE_ERRORS, ...errors };
      const rows = await db
        .selectFrom('importErrors')
        .selectAll()
        .where('importId', '=', id)
        .where('n', '>', after)
        .orderBy('n')
        .limit(limit)
        .execute();
      return rows.map(({ n, sheetRow, sheetColumn, code, value }) => ({
        ...{ n, row: sheetRow, column: sheetColumn, code, value },
        title: sheetColumn === null ? null : { zh: columns[sheetColumn]?.[0] ?? sheetColumn, en: sheetColumn },
        message: words[code] ?? { zh: code, en: code },
      }));
    },

    /** Deletes imports, and their errors, that are older. */
    async forget(before: number): Promise<void> {
      await undoEnded();
      await db.deleteFrom('imports').where('createdAt', '<', before).where('finishedAt', 'is not', null).execute();
    },

    async [Symbol.asyncDispose](): Promise<void> {
      for (const job of jobs.values()) job.abort.abort(STOPPED);
      await Promise.all(underWay);
    },
  };
}
export type Imports = Awaited<ReturnType<typeof openImports>>;
