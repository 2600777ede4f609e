import type { Database } from '../db/database.ts';
import type { AuditRow } from '../db/schema-audit.ts';
import { createChecker, type Fault, GENESIS, type Head } from './chain.ts';

/** Reads the audit from its first row to its last, a part at a time, and says what was done to it. */

const ROWS_AT_ONCE = 2_000;

export const rowsAfter = (db: Database, seq: number, limit: number): Promise<AuditRow[]> =>
  db.selectFrom('audit').selectAll().where('seq', '>', seq).orderBy('seq').limit(limit).execute();

/** What the database itself says of the newest row. */
export async function headOf(db: Database): Promise<Head> {
  const head = await db.selectFrom('auditHead').select(['seq', 'hash']).where('id', '=', 1).executeTakeFirst();
  return head ?? { seq: 0, hash: GENESIS };
}

export interface Verification {
  rows: number;
  head: Head;
  faults: readonly Fault[];
}

/** `noted` are the heads outside; they must have been read before. Gateways may go on appending meanwhile. */
export async function verifyAudit(db: Database, noted: readonly Head[]): Promise<Verification> {
  const checker = createChecker(noted);
  let before = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const rows = await rowsAfter(db, before, ROWS_AT_ONCE);
    for (const row of rows) checker.take(row);
    before = rows.at(-1)?.seq ?? before;
    if (rows.length === ROWS_AT_ONCE) continue;
    const head = await headOf(db);
    // What was appended since is read too, so that the last row and the head belong together.
    if (head.seq > before && (await rowsAfter(db, before, 1)).length > 0) continue;
    checker.end(head);
    return { rows: checker.rows(), head: checker.last(), faults: checker.faults() };
  }
}
