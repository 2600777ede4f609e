import { open } from 'node:fs/promises';
import { readCsv } from './csv.ts';
import { type RowError, rowError, SheetTrouble } from './errors.ts';
import type { ImportKind } from './kind.ts';
import { readXlsx } from './xlsx.ts';

/** A file, CSV or XLSX, as rows of named cells, a few at a time, so that any length needs little memory. */

/** `row` as a spreadsheet counts: the header is 1. */
export interface SheetRow<Column extends string = string> {
  row: number;
  cells: Partial<Record<Column, string>>;
}

/** Gives each row with its cells from the first column on. Throws `SheetTrouble`, and the signal's reason. */
export type SheetReader = (
  file: string,
  options: { signal: AbortSignal; mostBytes: number },
) => AsyncGenerator<{ row: number; cells: string[]; bytesRead: number }>;

/** Which columns a file may have, and which it must. */
type Layout = Pick<ImportKind, 'columns' | 'required'>;

/** Fewer rows in a turn keep messages waiting for less time. */
const ROWS_A_TURN = 100;

function columnsOf(header: string[], { columns: known, required }: Layout): string[] {
  const columns = header.map((name, index) => {
    const plain = name.trim().toLowerCase();
    const column = Object.keys(known).find(
      (one) => one.toLowerCase() === plain || known[one]?.some((word) => word === plain),
    );
    if (column === undefined) throw new SheetTrouble(1, 'unknown_column', name || `#${index + 1}`);
    return column;
  });
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  if (twice) throw new SheetTrouble(1, 'duplicate_column', twice);
  for (const column of required) {
    if (!columns.includes(column)) throw new SheetTrouble(1, 'missing_column', column);
  }
  return columns;
}

function cellsOf(columns: string[], values: string[]): SheetRow['cells'] {
  const cells: SheetRow['cells'] = {};
  for (const [index, column] of columns.entries()) {
    const value = values[index];
    if (value) cells[column] = value;
  }
  return cells;
}

/** Compound files hold a workbook of before 2007, or one with a password in a stream that is named so. */
const OLD_MARK = Buffer.from('d0cf11e0a1b11ae1', 'hex');
const LOCKED = Buffer.from('EncryptedPackage', 'utf16le');
const ZIP_MARK = Buffer.from('PK\u0003\u0004');

/** A file says itself what it is; its name may say anything. */
async function readerOf(file: string): Promise<{ read: SheetReader; bad: 'bad_csv' | 'bad_xlsx' }> {
  await using handle = await open(file);
  const { buffer: head } = await handle.read(Buffer.alloc(OLD_MARK.length), 0, OLD_MARK.length, 0);
  if (head.subarray(0, ZIP_MARK.length).equals(ZIP_MARK)) return { read: readXlsx, bad: 'bad_xlsx' };
  if (!head.equals(OLD_MARK)) return { read: readCsv, bad: 'bad_csv' };
  const isLocked = (await handle.readFile()).includes(LOCKED);
  throw new SheetTrouble(1, isLocked ? 'locked_file' : 'old_excel', '');
}

/** Where a formula has no value, spreadsheets write why. */
const FAILED = /^#(N\/A|REF!|VALUE!|NAME\?|DIV\/0!|NUM!|NULL!|SPILL!|CALC!)$/;

const failuresIn = ({ row, cells }: SheetRow): RowError[] =>
  Object.entries(cells).flatMap(([column, value]) =>
    value !== undefined && FAILED.test(value) ? [rowError(row, column, 'cell_error', value)] : [],
  );

/** Rows without anything in them are left out, and counted. Throws `SheetTrouble`, and the signal's reason. */
export async function* readSheet(
  file: string,
  layout: Layout,
  options: Parameters<SheetReader>[1],
): AsyncGenerator<{ rows: SheetRow[]; errors: RowError[]; bytesRead: number }> {
  const { read, bad } = await readerOf(file);
  let columns: string[] | undefined;
  let rows: SheetRow[] = [];
  let errors: RowError[] = [];
  let bytesRead = 0;
  for await (const { row, cells, ...part } of read(file, options)) {
    ({ bytesRead } = part);
    const values = cells.map((value) => value.trim());
    if (!columns) {
      while (values.at(-1) === '') values.pop();
      if (values.length > 0) columns = columnsOf(values, layout);
      continue;
    }
    if (values.every((value) => value === '')) continue;
    if (values.slice(columns.length).some((value) => value !== '')) {
      throw new SheetTrouble(row, bad, values.slice(columns.length).join(','));
    }
    const named = { row, cells: cellsOf(columns, values) };
    rows.push(named);
    errors.push(...failuresIn(named));
    if (rows.length < ROWS_A_TURN) continue;
    yield { rows, errors, bytesRead };
    rows = [];
    errors = [];
  }
  if (!columns) throw new SheetTrouble(1, 'no_rows', '');
  yield { rows, errors, bytesRead };
}

/** A file to begin with. */
export function templateOf({ columns, examples }: ImportKind, language: 'zh' | 'en'): string {
  const names = Object.keys(columns);
  const titles = language === 'en' ? names : names.map((name) => columns[name]?.[0] ?? name);
  const lines = examples.map((example) => names.map((name) => example[name] ?? '').join(','));
  // The mark by which Excel knows UTF-8.
  return `\uFEFF${[titles.join(','), ...lines].join('\r\n')}\r\n`;
}
