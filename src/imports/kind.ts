import type { Transaction } from 'kysely';
import type { Caller } from '../areas/scope.ts';
import type { Tables } from '../db/schema.ts';
import type { ImportRow } from '../db/schema-imports.ts';
import type { RowError, Words } from './errors.ts';
import type { SheetRow } from './sheet.ts';

/** What is particular to the things that a file brings; all else is the same for every file. */
export interface ImportKind<Column extends string = string> {
  /** Each by its name, with what it is called in Chinese; a template has the first. */
  columns: Readonly<Record<Column, readonly string[]>>;
  required: readonly Column[];
  /** Rows of the template. They name what does not exist, so that they are not imported unseen. */
  examples: readonly Partial<Record<Column, string>>[];
  /** What its codes mean. */
  errors: Readonly<Record<string, Words>>;
  /** A pass through a file, from its first row to its last. */
  openPass(row: ImportRow, caller: Caller): Promise<ImportPass<Column>>;
  /** While a file is checked and written, nobody else changes what it was checked against. */
  alone<T>(task: () => Promise<T>): Promise<T>;
  /** Deletes what an import has written and what will never count, some at a time. */
  undo(importId: string): Promise<void>;
  /** Before the import is done, what can only be added and never taken back: the import is certain from here on. */
  book?: Step;
  /** Tells of what is committed. */
  publish?: Step;
}

/** Does it for some of what an import has written, after a key, in order; undefined when nothing is left. One that fails is tried again. */
type Step = (importId: string, after: string) => Promise<{ last: string; count: number } | undefined>;

export interface ImportPass<Column extends string = string> {
  /** The next rows of the file. */
  rows(rows: SheetRow<Column>[]): Promise<Found>;
  /** What only the whole file shows. */
  end(): RowError[];
  /** In the transaction by which the import is done; gives what is kept of it in the import's row. */
  commit(transaction: Transaction<Tables>, created: number): Promise<Partial<Pick<ImportRow, 'exportUntil'>>>;
}

export interface Found {
  errors: RowError[];
  created: number;
  unchanged: number;
  booked: number;
  /** Writes those that are new; they do not count yet. Gives what another came before. */
  write(): Promise<RowError[]>;
}
