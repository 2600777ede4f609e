import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { SheetTrouble } from './errors.ts';
import type { ImportKind } from './kind.ts';

/** A CSV file as rows of named cells, a few at a time, so that any length needs little memory. */

/** `row` as a spreadsheet counts: the header is 1. */
export interface SheetRow<Column extends string = string> {
  row: number;
  cells: Partial<Record<Column, string>>;
}

/** Which columns a file may have, and which it must. */
type Layout = Pick<ImportKind, 'columns' | 'required'>;

export type Encoding = 'utf-8' | 'gb18030';

/** Fewer rows in a turn keep messages waiting for less time. */
const ROWS_A_TURN = 100;
const LONGEST_RECORD = 10_000;

async function* decoded(chunks: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  try {
    for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (error) {
    throw error instanceof TypeError ? new SheetTrouble(1, 'bad_encoding', '') : error;
  }
}

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

/** Rows without anything in them are left out, and counted. Throws `SheetTrouble`, and the signal's reason. */
export async function* readSheet(
  file: string,
  encoding: Encoding,
  layout: Layout,
  signal: AbortSignal,
): AsyncGenerator<{ rows: SheetRow[]; bytesRead: number }> {
  const source = createReadStream(file, { signal });
  const parser = parse({ relax_column_count: true, max_record_size: LONGEST_RECORD });
  // Its trouble comes out of the parser, too.
  pipeline(
    source,
    (chunks) => decoded(chunks, encoding),
    parser,
    () => undefined,
  );
  let columns: string[] | undefined;
  let row = 0;
  let rows: SheetRow[] = [];
  try {
    for await (const record of parser as AsyncIterable<string[]>) {
      row += 1;
      const values = record.map((value) => value.trim());
      if (!columns) {
        columns = columnsOf(values, layout);
        continue;
      }
      if (values.every((value) => value === '')) continue;
      if (values.slice(columns.length).some((value) => value !== '')) {
        throw new SheetTrouble(row, 'bad_csv', values.slice(columns.length).join(','));
      }
      rows.push({ row, cells: cellsOf(columns, values) });
      if (rows.length < ROWS_A_TURN) continue;
      yield { rows, bytesRead: source.bytesRead };
      rows = [];
    }
  } catch (error) {
    throw error instanceof CsvError ? new SheetTrouble(row + 1, 'bad_csv', error.code) : error;
  } finally {
    source.destroy();
    parser.destroy();
  }
  if (!columns) throw new SheetTrouble(1, 'no_rows', '');
  yield { rows, bytesRead: source.bytesRead };
}

function cellsOf(columns: string[], values: string[]): SheetRow['cells'] {
  const cells: SheetRow['cells'] = {};
  for (const [index, column] of columns.entries()) {
    const value = values[index];
    if (value) cells[column] = value;
  }
  return cells;
}

/** A file to begin with. */
export function templateOf({ columns, examples }: ImportKind, language: 'zh' | 'en'): string {
  const names = Object.keys(columns);
  const titles = language === 'en' ? names : names.map((name) => columns[name]?.[0] ?? name);
  const lines = examples.map((example) => names.map((name) => example[name] ?? '').join(','));
  // The mark by which Excel knows UTF-8.
  return `\uFEFF${[titles.join(','), ...lines].join('\r\n')}\r\n`;
}
