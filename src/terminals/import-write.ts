import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import type { Tables, TerminalRow } from '../db/schema.ts';
import { NO_CREDENTIALS } from './credentials.ts';
import type { ImportedTerminal } from './import-check.ts';

/**
 * What an import writes. Its terminals are written a few at a time under its id, so that nothing else waits long for the database, and count
 * only when its own row says `done`: nobody loads them before, and those of an import that did not get there are deleted.
 */

const CHUNK = 100;

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

export function createImportRows(db: Database) {
  async function idsAfter(importId: string, after: string): Promise<string[]> {
    const rows = await db
      .selectFrom('terminals')
      .select('id')
      .where('importId', '=', importId)
      .where('id', '>', after)
      .orderBy('id')
      .limit(CHUNK)
      .execute();
    return rows.map(({ id }) => id);
  }

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

    /** Ids that were removed before come back when the import is done. */
    async restore(transaction: Transaction<Tables>, again: TerminalRow[]): Promise<void> {
      for (const { id, commandSequence: _kept, ...row } of again) {
        await transaction.updateTable('terminals').set(row).where('id', '=', id).execute();
      }
    },

    idsAfter,

    /** Ids of what an import made, in order, a few at a time. */
    async *idsOf(importId: string): AsyncGenerator<string[]> {
      for (let after: string | undefined = ''; after !== undefined; ) {
        const ids = await idsAfter(importId, after);
        if (ids.length > 0) yield ids;
        after = ids.at(-1);
      }
    },
  };
}
