import { join } from 'node:path';
import type { Disk } from './disk.ts';
import { type Found, readRecords } from './records.ts';

/** The files of the spool: append-only segments `{first sequence}.log`. */

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

const READ_CHUNK = 262_144;

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

/** What a segment holds from an offset on, piece by piece. */
export async function* readSegment(disk: Disk, segment: Segment, from: number): AsyncGenerator<Found[]> {
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
      const found = readRecords(data, offset, position + bytesRead >= segment.bytes);
      yield found;
      const end = found.at(-1)?.end ?? offset;
      rest = data.subarray(end - offset);
      offset = end;
    }
  } finally {
    await file.close();
  }
}
