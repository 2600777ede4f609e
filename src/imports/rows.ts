import type { Caller } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import type { ImportKindName, ImportRow } from '../db/schema-imports.ts';
import { chunksOf } from '../lib/chunks.ts';
import type { RowError } from './errors.ts';

/** The rows of imports themselves. */

const CHUNK = 100;

export interface ImportRequest {
  kind: ImportKindName;
  fileName: string;
  dryRun: boolean;
  /** Its terminals wait to be claimed. */
  unclaimed: boolean;
}

export const newImport = (
  request: ImportRequest & { id: string; gatewayId: string; caller: Caller; bytes: number; createdAt: number },
): ImportRow => ({
  id: request.id,
  kind: request.kind,
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
  booked: 0,
  errors: 0,
  detail: null,
  createdAt: request.createdAt,
  finishedAt: null,
  exportUntil: null,
  exportedAt: null,
});

export async function addErrors(db: Database, importId: string, from: number, errors: RowError[]): Promise<void> {
  const rows = errors.map(({ row, column, code, value }, index) => ({
    importId,
    n: from + index,
    sheetRow: row,
    sheetColumn: column,
    code,
    value,
  }));
  for (const some of chunksOf(rows, CHUNK)) await db.insertInto('importErrors').values(some).execute();
}
