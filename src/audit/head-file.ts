import { existsSync, readFileSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { rfc3339 } from '../lib/calendar.ts';
import type { Head } from './chain.ts';

/**
 * Heads of the audit outside the database, a line each: number, hash and time. One hash stands for all rows before it, so whoever changes the
 * database alone is found out.
 */

const NAME = 'audit-head.log';
/** A full file makes way for the next, and the one before it goes: the newest line says all that older ones do. */
const MOST_BYTES = 1_048_576;

const LINE = /^(\d{1,16}) ([0-9a-f]{64}) \S+$/;

const pathsIn = (folder: string) => ({ before: join(folder, `${NAME}.1`), now: join(folder, NAME) });

/** In the order in which they were written. A line that a power cut left unfinished is none. */
export function readHeads(folder: string): Head[] {
  const { before, now } = pathsIn(folder);
  return [before, now].flatMap((path) => {
    if (!existsSync(path)) return [];
    return readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((line) => {
        const [, seq, hash] = LINE.exec(line) ?? [];
        return seq && hash ? [{ seq: Number(seq), hash }] : [];
      });
  });
}

/** Appends a line. Resolves when it is on disk. */
export async function writeHead(folder: string, { seq, hash }: Head, at: number): Promise<void> {
  const { before, now } = pathsIn(folder);
  let file: FileHandle | undefined = await open(now, 'a', 0o600);
  try {
    const { size } = await file.stat();
    if (size >= MOST_BYTES) {
      await file.close();
      file = undefined;
      await rename(now, before);
      file = await open(now, 'a', 0o600);
    }
    // After a line that was left unfinished this one begins on its own.
    await file.write(`${size > 0 && size < MOST_BYTES ? await lineEnd(now, size) : ''}${seq} ${hash} ${rfc3339(at)}\n`);
    await file.datasync();
  } finally {
    await file?.close();
  }
}

/** What is missing at the end of the file's last line. */
async function lineEnd(path: string, size: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer.toString('latin1') === '\n' ? '' : '\n';
  } finally {
    await file.close();
  }
}
