import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createInflateRaw, inflateRawSync } from 'node:zlib';

/** The files of a ZIP, from its own list of them: APPNOTE.TXT 4.3.12, 4.3.16 and 4.5.3. Throws `RangeError` for what is none. */

const END_MARK = 0x06054b50;
const ENTRY_MARK = 0x02014b50;
const END_BYTES = 22;
/** The end may be followed by a comment. */
const TAIL_BYTES = END_BYTES + 0xffff;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const MOST_LISTED_BYTES = 1_048_576;
const ENCRYPTED = 1;
const STORED = 0;
const DEFLATED = 8;
/** A size that stands in the extra field 1. */
const ELSEWHERE = 0xffffffff;

interface Entry {
  name: string;
  method: number;
  encrypted: boolean;
  packed: number;
  local: number;
}

/** Where the list lies, from the last bytes of the file. */
function listIn(tail: Buffer): { at: number; bytes: number; count: number } {
  let end = tail.length - END_BYTES;
  while (end >= 0 && tail.readUInt32LE(end) !== END_MARK) end -= 1;
  if (end < 0) throw new RangeError('no end of a ZIP');
  return {
    count: tail.readUInt16LE(end + 10),
    bytes: tail.readUInt32LE(end + 12),
    at: tail.readUInt32LE(end + 16),
  };
}

/** What is too large for its field, in the order of the fields. */
function largeSizes(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const bytes = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === 1) {
      const field = extra.subarray(at + 4, at + 4 + bytes);
      return Array.from({ length: Math.floor(field.length / 8) }, (_, n) => Number(field.readBigUInt64LE(n * 8)));
    }
    at += 4 + bytes;
  }
  return [];
}

function entriesIn(list: Buffer, count: number): Entry[] {
  const entries: Entry[] = [];
  let at = 0;
  for (let n = 0; n < count; n += 1) {
    if (list.readUInt32LE(at) !== ENTRY_MARK) throw new RangeError('no entry of a ZIP');
    const nameEnd = at + ENTRY_BYTES + list.readUInt16LE(at + 28);
    const extraEnd = nameEnd + list.readUInt16LE(at + 30);
    const large = largeSizes(list.subarray(nameEnd, extraEnd));
    const size = (field: number) => (field === ELSEWHERE ? (large.shift() ?? field) : field);
    size(list.readUInt32LE(at + 24));
    entries.push({
      name: list.toString('utf8', at + ENTRY_BYTES, nameEnd).replaceAll('\\', '/'),
      method: list.readUInt16LE(at + 10),
      encrypted: (list.readUInt16LE(at + 8) & ENCRYPTED) !== 0,
      packed: size(list.readUInt32LE(at + 20)),
      local: size(list.readUInt32LE(at + 42)),
    });
    at = extraEnd + list.readUInt16LE(at + 32);
  }
  return entries;
}

/** A local head repeats the name, and has an extra field of its own. */
const contentAt = (local: number, head: Buffer): number =>
  local + LOCAL_BYTES + head.readUInt16LE(26) + head.readUInt16LE(28);

/** The files of a small ZIP, which together hold no more than `mostBytes`. */
export function unzip(file: Buffer, mostBytes: number): Buffer[] {
  const { at, count } = listIn(file);
  let left = mostBytes;
  return entriesIn(file.subarray(at), count).map(({ method, packed, local }) => {
    const start = contentAt(local, file.subarray(local));
    const bytes = file.subarray(start, start + packed);
    const content = method === DEFLATED ? inflateRawSync(bytes, { maxOutputLength: left }) : bytes;
    left -= content.length;
    if (left < 0) throw new RangeError('a ZIP that holds too much');
    return content;
  });
}

/** A ZIP on the disk, whose files are read as they are unpacked; all that is read of it is no more than `mostBytes`. */
export async function openZip(path: string, { mostBytes, signal }: { mostBytes: number; signal: AbortSignal }) {
  const handle = await open(path);
  async function read(at: number, bytes: number): Promise<Buffer> {
    const buffer = Buffer.alloc(bytes);
    const { bytesRead } = await handle.read(buffer, 0, bytes, at);
    if (bytesRead < bytes) throw new RangeError('a ZIP that is cut off');
    return buffer;
  }
  let left = mostBytes;
  try {
    const { size } = await handle.stat();
    const tail = Math.min(size, TAIL_BYTES);
    const { at, bytes, count } = listIn(await read(size - tail, tail));
    if (bytes > MOST_LISTED_BYTES) throw new RangeError('a ZIP of too many files');
    const entries = new Map(entriesIn(await read(at, bytes), count).map((entry) => [entry.name, entry]));
    return {
      has: (name: string): boolean => entries.has(name),
      encrypted: [...entries.values()].some((entry) => entry.encrypted),

      /** The bytes of a file, and how many were read of the disk for it. */
      async *content(name: string): AsyncGenerator<{ bytes: Buffer; read: number }> {
        const entry = entries.get(name);
        if (!entry || (entry.method !== DEFLATED && entry.method !== STORED)) throw new RangeError(`no ${name}`);
        if (entry.packed === 0) return;
        const start = contentAt(entry.local, await read(entry.local, LOCAL_BYTES));
        const source = createReadStream(path, { start, end: start + entry.packed - 1, signal });
        const unpacked = entry.method === STORED ? source : pipeline(source, createInflateRaw(), () => undefined);
        try {
          for await (const bytes of unpacked as AsyncIterable<Buffer>) {
            left -= bytes.length;
            if (left < 0) throw new RangeError('a ZIP that holds too much');
            yield { bytes, read: source.bytesRead };
          }
        } finally {
          source.destroy();
          unpacked.destroy();
        }
      },
      [Symbol.asyncDispose]: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
export type Zip = Awaited<ReturnType<typeof openZip>>;
