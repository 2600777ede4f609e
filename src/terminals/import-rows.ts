import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Caller } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import type { TerminalRow } from '../db/schema.ts';
import { type ImportRow, UNFINISHED_IMPORTS } from '../db/schema-imports.ts';
import { chunksOf } from '../lib/chunks.ts';
import { NO_CREDENTIALS } from './credentials.ts';
import type { ImportedTerminal } from './import-check.ts';
import type { RowError } from './import-errors.ts';

/**
 * What an import writes. Its terminals are written a few at a time under its id, so that nothing else waits long for the database, and count
 * only when its own row says `done`: nobody loads them before, and those of an import that did not get there are deleted.
 */

const CHUNK = 100;

export interface ImportRequest {
  fileName: string;
  dryRun: boolean;
  /** Its terminals wait to be claimed. */
  unclaimed: boolean;
}

export const newImport = (
  request: ImportRequest & { id: string; gatewayId: string; caller: Caller; bytes: number; createdAt: number },
): ImportRow => ({
  id: request.id,
  gatewayId: request.gatewayId,
  requestedBy: request.caller.id,
  requestedName: request.caller.name,
  companyId: request.caller.companyId,
  fileName: request.fileName,
  bytes: request.bytes,
  dryRun: request.dryRun ? 1 : 0,
  unclaimed: request.unclaimed ? 1 : 0,
  state: 'waiting',
  rowCount: 0,
  created: 0,
  unchanged: 0,
  errors: 0,
  detail: null,
  createdAt: request.createdAt,
  finishedAt: null,
  exportUntil: null,
  exportedAt: null,
});

/** Deletes what an import has written that is not done. */
export async function deleteTerminalsOf(db: Database, importId: string): Promise<void> {
  for (;;) {
    const rows = await db.selectFrom('terminals').select('id').where('importId', '=', importId).limit(CHUNK).execute();
    if (rows.length === 0) return;
    const ids = rows.map(({ id }) => id);
    await db.deleteFrom('terminals').where('importId', '=', importId).where('id', 'in', ids).execute();
    await nextTurn();
  }
}

/** Ends imports of a gateway that a stop or a crash has cut off. */
export async function forgetUnfinished(db: Database, gatewayId: string, now: number): Promise<void> {
  const cut = await db
    .selectFrom('imports')
    .select('id')
    .where('gatewayId', '=', gatewayId)
    .where('state', 'in', UNFINISHED_IMPORTS)
    .execute();
  for (const { id } of cut) {
    await deleteTerminalsOf(db, id);
    await db
      .updateTable('imports')
      .set({ state: 'failed', detail: 'The gateway was stopped; nothing was imported', finishedAt: now })
      .where('id', '=', id)
      .execute();
  }
}

export function createImportRows(db: Database) {
  const rowOf = (terminal: ImportedTerminal, importId: string, now: number, unclaimed: boolean): TerminalRow => {
    const { again, connection, ...columns } = terminal;
    return {
      ...columns,
      connection: JSON.stringify(connection),
      ...NO_CREDENTIALS,
      unclaimedSince: unclaimed ? now : null,
      importId,
      commandSequence: 0,
      householdSince: again ? now : null,
      createdAt: now,
      removedAt: null,
    };
  };

  return {
    rowOf,

    async insert(rows: TerminalRow[]): Promise<void> {
      if (rows.length > 0) await db.insertInto('terminals').values(rows).execute();
    },

    /** All of it counts from here on. Ids that were removed before come back in this same transaction. */
    async commit(
      again: TerminalRow[],
      done: Pick<ImportRow, 'id' | 'rowCount' | 'created' | 'unchanged'> & Partial<ImportRow>,
    ) {
      const { id, ...columns } = done;
      await db.transaction().execute(async (transaction) => {
        for (const { id: terminalId, commandSequence: _kept, ...row } of again) {
          await transaction.updateTable('terminals').set(row).where('id', '=', terminalId).execute();
        }
        await transaction.updateTable('imports').set(columns).where('id', '=', id).execute();
      });
    },

    /** Ids of what an import made, in order, a few at a time. */
    async *idsOf(importId: string): AsyncGenerator<string[]> {
      for (let after = ''; ; ) {
        const rows = await db
          .selectFrom('terminals')
          .select('id')
          .where('importId', '=', importId)
          .where('id', '>', after)
          .orderBy('id')
          .limit(CHUNK)
          .execute();
        const last = rows.at(-1);
        if (!last) return;
        yield rows.map(({ id }) => id);
        after = last.id;
      }
    },

    async addErrors(importId: string, from: number, errors: RowError[]): Promise<void> {
      const rows = errors.map(({ row, column, code, value }, index) => ({
        importId,
        n: from + index,
        sheetRow: row,
        sheetColumn: column,
        code,
        value,
      }));
      for (const some of chunksOf(rows, CHUNK)) await db.insertInto('importErrors').values(some).execute();
    },

    forgetErrors: async (importId: string) =>
      void (await db.deleteFrom('importErrors').where('importId', '=', importId).execute()),
  };
}
