import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Disk } from './disk.ts';

/**
 * The files of the spool: append-only segments `{first sequence}.log`. A record is a line, `{crc32 of the rest} [sequence,terminal,time,values]`,
 * so a damaged record is skipped alone: the next one begins after the next line feed.
 */

export interface SpoolRecord {
  /** Its place in the spool; grows by one with each. */
  sequence: number;
  terminalId: string;
  /** Epoch ms. */
  time: number;
  values: Record<string, number>;
}

export interface Segment {
  path: string;
  /** The sequence of its first record. */
  first: number;
  bytes: number;
  /** Epoch ms. */
  beganAt: number;
  writtenAt: number;
}

const READ_CHUNK = 1_048_576;

export const newSegment = (folder: string, first: number, now: number): Segment => ({
  path: join(folder, `${String(first).padStart(16, '0')}.log`),
  first,
  bytes: 0,
  beganAt: now,
  writtenAt: now,
});

export async function listSegments(disk: Disk, folder: string): Promise<Segment[]> {
  const names = (await disk.list(folder)).filter((name) => /^\d{16}\.log$/.test(name)).sort();
  const found = names.map(async (name) => {
    const { size, mtimeMs } = await disk.stat(join(folder, name));
    return { ...newSegment(folder, Number(name.slice(0, 16)), mtimeMs), bytes: size };
  });
  return Promise.all(found);
}

const CRC_DIGITS = 8;
const LINE_FEED = 10;

/** The lines of some records, one after another. */
export function seal(records: SpoolRecord[]): Buffer {
  let lines = Buffer.allocUnsafe(256 * records.length);
  let end = 0;
  for (const { sequence, terminalId, time, values } of records) {
    const body = JSON.stringify([sequence, terminalId, time, values]);
    // A UTF-16 unit takes at most three bytes of UTF-8.
    const most = end + CRC_DIGITS + 1 + 3 * body.length + 1;
    if (most > lines.length) lines = Buffer.concat([lines], 2 * most);
    const start = end + CRC_DIGITS + 1;
    end = start + lines.write(body, start);
    lines.write(`${crc32(lines.subarray(start, end)).toString(16).padStart(CRC_DIGITS, '0')} `, start - CRC_DIGITS - 1);
    lines[end] = LINE_FEED;
    end += 1;
  }
  return lines.subarray(0, end);
}

/** Undefined for a damaged line. */
function unseal(line: string): SpoolRecord | undefined {
  const body = line.slice(9);
  if (line.length < 10 || Number.parseInt(line.slice(0, 8), 16) !== crc32(body)) return undefined;
  const [sequence, terminalId, time, values] = JSON.parse(body) as [number, string, number, Record<string, number>];
  return { sequence, terminalId, time, values };
}

/** The lines of a segment from an offset on; `record` is undefined for a damaged one, `end` the offset after it. */
export async function* readSegment(
  disk: Disk,
  segment: Segment,
  from: number,
): AsyncGenerator<{ record: SpoolRecord | undefined; end: number }> {
  const file = await disk.open(segment.path, 'r');
  try {
    const chunk = Buffer.alloc(READ_CHUNK);
    let offset = from;
    let rest = Buffer.alloc(0);
    while (offset + rest.length < segment.bytes) {
      const position = offset + rest.length;
      const { bytesRead } = await file.read(chunk, 0, Math.min(READ_CHUNK, segment.bytes - position), position);
      if (bytesRead === 0) return;
      const data = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      let start = 0;
      for (let feed = data.indexOf(LINE_FEED); feed >= 0; feed = data.indexOf(LINE_FEED, start)) {
        const record = unseal(data.toString('utf8', start, feed));
        start = feed + 1;
        yield { record, end: offset + start };
      }
      offset += start;
      rest = data.subarray(start);
    }
    // A record that a power cut tore has no line feed.
    if (rest.length > 0) yield { record: undefined, end: segment.bytes };
  } finally {
    await file.close();
  }
}
