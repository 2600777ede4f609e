import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';

/** A CSV file of terminals as rows of named cells, a few at a time, so that any length needs little memory. */

export const COLUMNS = {
  id: ['终端号'],
  profile: ['终端类型'],
  accountNo: ['户号'],
  householdId: ['住户编号'],
  areaCode: ['区域代码'],
  via: ['集中器'],
  host: ['主机'],
  port: ['端口'],
  unit: ['从站'],
  installedAt: ['安装时间'],
} as const;
export type Column = keyof typeof COLUMNS;
const NAMES = Object.keys(COLUMNS) as Column[];

/** `row` as a spreadsheet counts: the header is 1. */
export interface SheetRow {
  row: number;
  cells: Partial<Record<Column, string>>;
}

/** What is wrong with the file as such; `code` as of `RowError`. */
export class SheetTrouble extends Error {
  readonly row: number;
  readonly code:
    | 'bad_csv'
    | 'bad_encoding'
    | 'unknown_column'
    | 'missing_column'
    | 'duplicate_column'
    | 'no_rows'
    | 'too_many_rows';
  readonly value: string;

  constructor(row: number, code: SheetTrouble['code'], value: string) {
    super(code);
    this.row = row;
    this.code = code;
    this.value = value;
  }
}

export type Encoding = 'utf-8' | 'gb18030';

/** Fewer rows in a turn keep messages waiting for less time. */
const ROWS_A_TURN = 100;
const LONGEST_RECORD = 10_000;

const columnOf = (name: string): Column | undefined => {
  const plain = name.trim().toLowerCase();
  return NAMES.find((column) => column.toLowerCase() === plain || COLUMNS[column].some((word) => word === plain));
};

async function* decoded(chunks: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  try {
    for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (error) {
    throw error instanceof TypeError ? new SheetTrouble(1, 'bad_encoding', '') : error;
  }
}

function columnsOf(header: string[]): Column[] {
  const columns = header.map((name, index) => {
    const column = columnOf(name);
    if (!column) throw new SheetTrouble(1, 'unknown_column', name || `#${index + 1}`);
    return column;
  });
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  if (twice) throw new SheetTrouble(1, 'duplicate_column', twice);
  for (const column of ['id', 'profile'] as const) {
    if (!columns.includes(column)) throw new SheetTrouble(1, 'missing_column', column);
  }
  return columns;
}

/** Rows without anything in them are left out, and counted. Throws `SheetTrouble`, and the signal's reason. */
export async function* readSheet(
  file: string,
  encoding: Encoding,
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
  let columns: Column[] | undefined;
  let row = 0;
  let rows: SheetRow[] = [];
  try {
    for await (const record of parser as AsyncIterable<string[]>) {
      row += 1;
      const values = record.map((value) => value.trim());
      if (!columns) {
        columns = columnsOf(values);
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

function cellsOf(columns: Column[], values: string[]): SheetRow['cells'] {
  const cells: SheetRow['cells'] = {};
  for (const [index, column] of columns.entries()) {
    const value = values[index];
    if (value) cells[column] = value;
  }
  return cells;
}

const TEMPLATE = {
  zh: NAMES.map((name) => COLUMNS[name][0]),
  en: NAMES,
};
const EXAMPLES: Partial<Record<Column, string>>[] = [
  { id: 'EXAMPLE-1', profile: 'gas-boiler', accountNo: 'HH-0001', installedAt: '2026-11-01' },
  { id: 'EXAMPLE-2', profile: 'electric-heater', areaCode: '141023105201', via: 'EXAMPLE-HUB' },
  { id: 'EXAMPLE-3', profile: 'eastron-sdm120', accountNo: 'HH-0002', host: '10.0.0.5', port: '502', unit: '1' },
];

/** A file to begin with; its examples name households that do not exist, so that they are not imported unseen. */
export function templateOf(language: 'zh' | 'en'): string {
  const lines = EXAMPLES.map((example) => NAMES.map((name) => example[name] ?? '').join(','));
  // The mark by which Excel knows UTF-8.
  return `\uFEFF${[TEMPLATE[language].join(','), ...lines].join('\r\n')}\r\n`;
}
