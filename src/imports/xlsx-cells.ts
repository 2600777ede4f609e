import type { XmlEvents } from '../lib/xml.ts';

/** The cells of a sheet as text: ECMA-376 part 1, §18.3.1. */

const DAY_S = 86_400;
/** 1970-01-01 as days are counted, which from 1900 has a 29 February that never was. */
const EPOCH_DAYS = 25_569;
const DAYS_TO_1904 = 1_462;
/** A sheet has no more columns; a row here no more letters. */
const MOST_COLUMNS = 16_384;
const LONGEST_ROW = 10_000;

/** As a spreadsheet shows it: with 15 digits, and 0.1 + 0.2 as 0.3. */
function numberText(text: string): string {
  const value = Number(text);
  return Number.isFinite(value) && text !== '' ? String(Number(value.toPrecision(15))) : text;
}

/** `2026-11-01`, or `2026-11-01 08:30:00`. */
function dateText(text: string, from1904: boolean): string {
  const days = Number(text) + (from1904 ? DAYS_TO_1904 : 0);
  const time = new Date(Math.round((days - EPOCH_DAYS) * DAY_S) * 1_000);
  if (text === '' || Number.isNaN(time.getTime())) return text;
  const iso = time.toISOString().slice(0, 19).replace('T', ' ');
  return iso.replace(/ 00:00:00$/, '');
}

/** `AB12` → 27. */
function columnOf(reference: string): number {
  let column = 0;
  for (const letter of /^[A-Z]{1,3}/.exec(reference)?.[0] ?? '') column = column * 26 + letter.charCodeAt(0) - 64;
  return column - 1;
}

/** `_x000D_` is how a workbook writes a letter that XML has no place for. */
const unescaped = (text: string): string =>
  text
    .replace(/_x([0-9A-F]{4})_/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll('\0', '')
    .toWellFormed();

export function createCellReader(parts: { isDate: boolean[]; shared: string[]; from1904: boolean }) {
  const { isDate, shared, from1904 } = parts;
  let rows: { row: number; cells: string[] }[] = [];
  let row = 0;
  let cells: string[] = [];
  let letters = 0;
  let column = -1;
  let type = '';
  let style = 0;
  let value = '';
  let taking = false;
  let spoken = 0;

  function valueText(): string {
    switch (type) {
      case 's': {
        const text = shared[Number(value)];
        if (text === undefined) throw new RangeError('a text that is not there');
        return unescaped(text);
      }
      case 'b':
        return value === '1' ? 'TRUE' : 'FALSE';
      case 'inlineStr':
      case 'str':
        return unescaped(value);
      case 'd':
        return value.replace('T', ' ');
      case 'e':
        return value;
      default:
        return isDate[style] === true ? dateText(value, from1904) : numberText(value);
    }
  }

  const events: XmlEvents = {
    open(name, attribute) {
      if (name === 'row') {
        row = Number(attribute('r') ?? row + 1);
        if (!Number.isSafeInteger(row)) throw new RangeError('a row without a number');
        cells = [];
        letters = 0;
        column = -1;
      } else if (name === 'c') {
        const reference = attribute('r');
        column = reference === undefined ? column + 1 : columnOf(reference);
        if (column < 0 || column >= MOST_COLUMNS) throw new RangeError('a cell outside of the sheet');
        type = attribute('t') ?? 'n';
        style = Number(attribute('s') ?? 0);
        value = '';
      } else if (name === 'rPh') spoken += 1;
      taking = name === 'v' || (name === 't' && type === 'inlineStr' && spoken === 0);
    },
    close(name) {
      taking = false;
      if (name === 'rPh') spoken -= 1;
      if (name === 'c' && value !== '') {
        const text = valueText();
        letters += text.length;
        if (letters > LONGEST_ROW) throw new RangeError('a row that is too long');
        while (cells.length < column) cells.push('');
        cells[column] = text;
      }
      if (name === 'row') rows.push({ row, cells });
    },
    text(more) {
      if (taking) value += more;
    },
  };

  return {
    events,
    /** The rows that have come since. */
    take(): { row: number; cells: string[] }[] {
      const taken = rows;
      rows = [];
      return taken;
    },
  };
}
