/** Rows of imports, see schema.ts. */

export const IMPORT_STATES = ['waiting', 'checking', 'writing', 'done', 'refused', 'failed', 'cancelled'] as const;
export type ImportState = (typeof IMPORT_STATES)[number];

/** Of an import that is not through: its terminals do not count yet. */
export const UNFINISHED_IMPORTS = ['waiting', 'checking', 'writing'] as const satisfies ImportState[];

/** What a file brings. */
export const IMPORT_KINDS = ['terminals'] as const;
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
  errors: number;
  detail: string | null;
  createdAt: number;
  finishedAt: number | null;
  /** Until when the credentials of its terminals can be made. */
  exportUntil: number | null;
  exportedAt: number | null;
}

export interface ImportErrorRow {
  importId: string;
  n: number;
  /** As a spreadsheet counts: the header is row 1. */
  sheetRow: number;
  sheetColumn: string | null;
  code: string;
  value: string;
}
