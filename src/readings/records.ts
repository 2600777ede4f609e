import { crc32 } from 'node:zlib';
import type { SpoolRecord } from './segments.ts';

/**
 * How a record of the spool stands on disk: a mark, the crc32 of all that follows it, how many bytes follow the head, and then sequence and
 * time as doubles, the terminal, the names of the metrics and a double for each of them; numbers with the lowest byte first. A damaged
 * record is skipped alone: the next one begins at the next mark. Before, a record was a line, `{crc32 of the rest}
 * [sequence,terminal,time,values]`; these are still read.
 */

/** `record` is undefined for what cannot be read; `end` is where it ends. */
export interface Found {
  record: SpoolRecord | undefined;
  end: number;
}

/** No character has these bytes in UTF-8, so that no line of before holds them. */
const MARK = Buffer.from([0xf5, 0xfa]);
const CRC_AT = 2;
const LENGTH_AT = 6;
const HEAD = 10;
const SEQUENCE_AT = HEAD;
const TIME_AT = HEAD + 8;
const TERMINAL_AT = HEAD + 16;
/** What is longer is no record but damage. Bytes after the head. */
const LONGEST = 1_048_576;
const COMMA = 44;
const LINE_FEED = 10;

/** The most that a record takes: the lengths of two texts, and three bytes of UTF-8 for a UTF-16 unit. */
function mostBytes({ terminalId, values }: SpoolRecord): number {
  let bytes = TERMINAL_AT + 4 + 3 * terminalId.length;
  for (const metric in values) bytes += 3 * metric.length + 1 + 8;
  return bytes;
}

/** By hand, since a call for each of the short names costs more than all of their characters. */
function writeText(page: Buffer, text: string, start: number): number {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 127) return start + page.write(text, start);
    page[start + index] = code;
  }
  return start + text.length;
}

/** The names with commas between, after their length; where they end. */
function writeNames(page: Buffer, values: Record<string, number>, start: number): number {
  let end = start + 2;
  for (const metric in values) {
    if (end > start + 2) {
      page[end] = COMMA;
      end += 1;
    }
    end = writeText(page, metric, end);
  }
  page.writeUInt16LE(end - start - 2, start);
  return end;
}

/** Some records, one after another. */
export function seal(records: SpoolRecord[]): Buffer {
  let page = Buffer.allocUnsafe(256 * records.length);
  let view = new DataView(page.buffer, page.byteOffset, page.length);
  let start = 0;
  for (const record of records) {
    const { sequence, terminalId, time, values } = record;
    const most = start + mostBytes(record);
    if (most > page.length) {
      page = Buffer.concat([page], 2 * most);
      view = new DataView(page.buffer, page.byteOffset, page.length);
    }
    page.set(MARK, start);
    view.setFloat64(start + SEQUENCE_AT, sequence, true);
    view.setFloat64(start + TIME_AT, time, true);
    let end = writeText(page, terminalId, start + TERMINAL_AT + 2);
    view.setUint16(start + TERMINAL_AT, end - start - TERMINAL_AT - 2, true);
    end = writeNames(page, values, end);
    for (const metric in values) {
      view.setFloat64(end, values[metric] ?? Number.NaN, true);
      end += 8;
    }
    view.setUint32(start + LENGTH_AT, end - start - HEAD, true);
    view.setUint32(start + CRC_AT, crc32(page.subarray(start + LENGTH_AT, end)), true);
    start = end;
  }
  return page.subarray(0, start);
}

/** Tells names apart. The next record has most likely those of the last. */
function createNames(): (text: string) => string[] {
  let last = '';
  let names: string[] = [];
  return (text) => {
    if (text !== last) names = text.split(',');
    last = text;
    return text === '' ? [] : names;
  };
}

/** The record whose head stands here and is sound. */
function unseal(data: Buffer, at: number, namesOf: (text: string) => string[]): SpoolRecord {
  const terminalEnd = at + TERMINAL_AT + 2 + data.readUInt16LE(at + TERMINAL_AT);
  let end = terminalEnd + 2 + data.readUInt16LE(terminalEnd);
  const values: Record<string, number> = {};
  for (const name of namesOf(data.toString('utf8', terminalEnd + 2, end))) {
    values[name] = data.readDoubleLE(end);
    end += 8;
  }
  return {
    sequence: data.readDoubleLE(at + SEQUENCE_AT),
    terminalId: data.toString('utf8', at + TERMINAL_AT + 2, terminalEnd),
    time: data.readDoubleLE(at + TIME_AT),
    values,
  };
}

/** A record of before. */
function unsealLine(line: string): SpoolRecord | undefined {
  const body = line.slice(9);
  if (line.length < 10 || Number.parseInt(line.slice(0, 8), 16) !== crc32(body)) return undefined;
  const [sequence, terminalId, time, values] = JSON.parse(body) as [number, string, number, Record<string, number>];
  return { sequence, terminalId, time, values };
}

/** The record whose mark stands here; undefined when more bytes are needed to tell. */
function recordAt(data: Buffer, at: number, namesOf: (text: string) => string[]): Found | undefined {
  if (at + HEAD > data.length) return undefined;
  const end = at + HEAD + data.readUInt32LE(at + LENGTH_AT);
  const isDamaged = end - at - HEAD > LONGEST;
  if (!isDamaged && end > data.length) return undefined;
  if (!isDamaged && data.readUInt32LE(at + CRC_AT) === crc32(data.subarray(at + LENGTH_AT, end)))
    return { record: unseal(data, at, namesOf), end };
  return { record: undefined, end: at + MARK.length };
}

/** A line, or damage up to the next mark; undefined when more bytes are needed to tell. */
function lineAt(data: Buffer, at: number): Found | undefined {
  const feed = data.indexOf(LINE_FEED, at);
  const mark = data.subarray(at, feed < 0 ? data.length : feed).indexOf(MARK);
  if (mark >= 0) return { record: undefined, end: at + mark };
  return feed < 0 ? undefined : { record: unsealLine(data.toString('utf8', at, feed)), end: feed + 1 };
}

const isMark = (data: Buffer, at: number): boolean => data[at] === MARK[0] && data[at + 1] === MARK[1];

/**
 * What the bytes hold, with `end` counted from `offset`, where they begin. Bytes that may be the beginning of a record are left out, unless
 * they are the last: then they are damaged.
 */
export function readRecords(data: Buffer, offset: number, areLast: boolean): Found[] {
  const found: Found[] = [];
  const namesOf = createNames();
  let at = 0;
  while (at < data.length) {
    const next = isMark(data, at) ? recordAt(data, at, namesOf) : lineAt(data, at);
    if (!next && !areLast) break;
    // A damaged length may reach over records that are sound.
    const mark = next ? -1 : data.indexOf(MARK, at + 1);
    const { record, end } = next ?? { record: undefined, end: mark < 0 ? data.length : mark };
    at = end;
    const before = found.at(-1);
    // Damage is one piece up to the next record.
    if (!record && before && !before.record) before.end = offset + end;
    else found.push({ record, end: offset + end });
  }
  return found;
}
