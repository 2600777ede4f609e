import type { BillingModeRow } from './schema-bills.ts';

/** Rows of imports, see schema.ts. */

export const IMPORT_STATES = [
  'waiting',
  'checking',
  'writing',
  /** All of it is written and certain; balances are booked before it counts. */
  'booking',
  'done',
  'refused',
  'failed',
  'cancelled',
] as const;
export type ImportState = (typeof IMPORT_STATES)[number];

/** Of an import that is not through: its gateway goes on with it after a restart. */
export const UNFINISHED_IMPORTS = ['waiting', 'checking', 'writing', 'booking'] as const satisfies ImportState[];

/** What a file brings. */
export const IMPORT_KINDS = ['terminals', 'households'] as const;
export type ImportKindName = (typeof IMPORT_KINDS)[number];

export interface ImportRow {
  id: string;
  kind: ImportKindName;
  /** The gateway that runs it. */
  gatewayId: string;
  /** Id and name of the user or key. */
  requestedBy: string;
  requestedName: string;
  companyId: string | null;
  fileName: string;
  bytes: number;
  dryRun: number;
  unclaimed: number;
  state: ImportState;
  rowCount: number;
  created: number;
  unchanged: number;
  /** Households whose opening balances it booked. */
  booked: number;
  errors: number;
  detail: string | null;
  createdAt: number;
  finishedAt: number | null;
  /** Until when the credentials of its terminals can be made. */
  exportUntil: number | null;
  exportedAt: number | null;
}

/** What a household began with, and the import that said so. Amounts are fen. */
export interface HouseholdOpeningRow {
  householdId: string;
  importId: string;
  /** Below zero: what it owed. */
  heatingFen: number;
  depositFen: number;
  subsidyFen: number;
  /** Terms of a household that the import made, from the day `since` on. */
  tariff: string | null;
  mode: BillingModeRow['mode'] | null;
  since: string;
}

export interface ImportTables {
  imports: ImportRow;
  importErrors: ImportErrorRow;
  householdOpenings: HouseholdOpeningRow;
}

interface ImportErrorRow {
  importId: string;
  n: number;
  /** As a spreadsheet counts: the header is row 1. */
  sheetRow: number;
  sheetColumn: string | null;
  code: string;
  value: string;
}
