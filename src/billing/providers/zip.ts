import { inflateRawSync } from 'node:zlib';

/** The files of a small ZIP, from its own list of them: APPNOTE.TXT 4.3.12 and 4.3.16. Neither encryption nor ZIP64. */

const END_MARK = 0x06054b50;
const ENTRY_MARK = 0x02014b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const DEFLATED = 8;

/** Throws `RangeError` for what is no such ZIP, or holds more than `mostBytes` together. */
export function unzip(file: Buffer, mostBytes: number): Buffer[] {
  let end = file.length - END_BYTES;
  while (end >= 0 && file.readUInt32LE(end) !== END_MARK) end -= 1;
  if (end < 0) throw new RangeError('no end of a ZIP');
  const files: Buffer[] = [];
  let left = mostBytes;
  let at = file.readUInt32LE(end + 16);
  for (let n = file.readUInt16LE(end + 10); n > 0; n -= 1) {
    if (file.readUInt32LE(at) !== ENTRY_MARK) throw new RangeError('no entry of a ZIP');
    const method = file.readUInt16LE(at + 10);
    const size = file.readUInt32LE(at + 20);
    const local = file.readUInt32LE(at + 42);
    const start = local + LOCAL_BYTES + file.readUInt16LE(local + 26) + file.readUInt16LE(local + 28);
    const packed = file.subarray(start, start + size);
    const content = method === DEFLATED ? inflateRawSync(packed, { maxOutputLength: left }) : packed;
    left -= content.length;
    if (left < 0) throw new RangeError('more than a statement has');
    files.push(content);
    at += ENTRY_BYTES + file.readUInt16LE(at + 28) + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32);
  }
  return files;
}
