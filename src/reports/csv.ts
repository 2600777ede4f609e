import { yuanText } from '../lib/money.ts';
import type { Cell, Sheet } from './sheet.ts';

/** RFC 4180 with a byte order mark, by which Excel knows UTF-8. */

/** A spreadsheet takes a text that begins so for a formula, which may send the file's content elsewhere; an apostrophe makes it text. Some take the wide signs too. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

function field(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return String(cell);
  if (typeof cell === 'bigint') return yuanText(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const line = (cells: Cell[]): string => `${cells.map(field).join(',')}\r\n`;

export async function* csvOfSheet({ titles, rows }: Sheet): AsyncGenerator<string> {
  yield `\uFEFF${line(titles)}`;
  for await (const row of rows) yield line(row);
}
