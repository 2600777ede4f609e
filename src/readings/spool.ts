import { type FileHandle, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';
import { listSegments, readSegment, type Segment, type SpoolRecord, seal, segmentAt } from './segments.ts';

/** Readings on disk, in the order in which they came, until the store has them. Appending resolves when `fdatasync` has. */

export type NewRecord = Omit<SpoolRecord, 'sequence'>;

export interface SpoolOptions {
  folder: string;
  /** How long appends gather for one commit. */
  commitWaitMs: number;
  segmentBytes: number;
  /** Above this, appending fails and nothing older is dropped for it. */
  maxBytes: number;
}

interface Waiting {
  records: NewRecord[];
  done: () => void;
  failed: (error: unknown) => void;
}

/** Most readings that wait for a commit at once. */
const MOST_WAITING = 100_000;

/** A new file's name is only safe on disk when its folder is synced too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

/** `write` may take only a part, as on a full disk, and says so only by its count. */
async function writeAll(handle: FileHandle, data: Buffer, position: number): Promise<void> {
  for (let done = 0; done < data.length; ) {
    done += (await handle.write(data, done, data.length - done, position + done)).bytesWritten;
  }
}

/** No record is shorter. */
const SHORTEST_RECORD = 24;

/**
 * The last sequence that a segment may have given. What cannot be read at its end may have been records, so their sequences are
 * passed over: a store that has them must not take new readings for old ones.
 */
async function lastGiven(segment: Segment, log: Logger): Promise<number> {
  let lastGood = segment.first - 1;
  let goodBytes = 0;
  for await (const { record, end } of readSegment(segment, 0)) {
    if (!record) continue;
    lastGood = record.sequence;
    goodBytes = end;
  }
  const unread = segment.bytes - goodBytes;
  if (unread > 0) log.warn({ bytes: unread, segment: segment.path }, 'spool: the end of a segment cannot be read');
  return lastGood + Math.ceil(unread / SHORTEST_RECORD);
}

/**
 * Each spool has a name of its own, under which stores keep their position in it. Without any segment it is a new one, or its files
 * were lost: then it begins at the beginning, under a new name.
 */
async function idOf(folder: string, segments: Segment[]): Promise<string> {
  const file = join(folder, 'id');
  const known = segments.length > 0 ? await readFile(file, 'utf8').catch(() => '') : '';
  if (known) return known;
  const id = newId('spool');
  await writeFile(`${file}.new`, id, { flush: true });
  await rename(`${file}.new`, file);
  await syncFolder(folder);
  return id;
}

/** Opens the spool; damaged data never keeps it from opening. Dispose commits what waits and closes. */
export async function openSpool(options: SpoolOptions, parts: { clock: Clock; log: Logger }) {
  const { folder, commitWaitMs, segmentBytes, maxBytes } = options;
  const { clock, log } = parts;
  await mkdir(folder, { recursive: true });
  const segments = await listSegments(folder);
  const id = await idOf(folder, segments);
  const newest = segments.at(-1);
  let last = newest ? await lastGiven(newest, log) : 0;

  let file: { handle: FileHandle; segment: Segment } | undefined;
  let waiting: Waiting[] = [];
  let waitingReadings = 0;
  let commits: Promise<void> = Promise.resolve();
  let timer: Disposable | undefined;
  let arrival = Promise.withResolvers<void>();
  let damaged = 0;
  let trouble: string | undefined;
  let closed = false;
  /** Where the last `read` ended. */
  let cursor = { sequence: -1, segment: -1, offset: 0 };

  const bytes = () => segments.reduce((sum, segment) => sum + segment.bytes, 0);

  /** The file to append to; a full one, and one whose last commit failed, is left for a new one. */
  async function current() {
    if (file && file.segment.bytes < segmentBytes) return file;
    await file?.handle.close();
    const segment = segmentAt(folder, last + 1);
    const handle = await open(segment.path, 'w');
    await syncFolder(folder);
    if (segments.at(-1)?.first === segment.first) segments.pop();
    segments.push(segment);
    file = { handle, segment };
    return file;
  }

  async function write(batch: Waiting[]): Promise<void> {
    if (bytes() >= maxBytes) throw new Error(`the spool is full (${bytes()} bytes)`);
    const { handle, segment } = await current();
    let sequence = last;
    const lines = batch.flatMap(({ records }) => records.map((record) => seal({ ...record, sequence: ++sequence })));
    const data = Buffer.from(lines.join(''));
    try {
      await writeAll(handle, data, segment.bytes);
      await handle.datasync();
    } catch (error) {
      // A failed fdatasync must not be tried again as if it had worked: the kernel may have dropped the pages.
      await handle.truncate(segment.bytes).catch(() => undefined);
      await handle.close().catch(() => undefined);
      file = undefined;
      throw error;
    }
    segment.bytes += data.length;
    last = sequence;
  }

  async function commit(): Promise<void> {
    const batch = waiting;
    waiting = [];
    waitingReadings = 0;
    if (batch.length === 0) return;
    try {
      await write(batch);
      trouble = undefined;
      for (const { done } of batch) done();
      arrival.resolve();
      arrival = Promise.withResolvers();
    } catch (error) {
      trouble = String(error);
      log.error({ err: error }, 'spool: commit failed; these readings are not acknowledged');
      for (const { failed } of batch) failed(error);
    }
  }

  function commitSoon(): void {
    timer ??= clock.after(commitWaitMs, () => {
      timer = undefined;
      commits = commits.then(commit);
    });
  }

  /** The segment that holds the record after `sequence`. */
  const segmentAfter = (sequence: number): number =>
    Math.max(
      0,
      segments.findLastIndex((segment) => segment.first <= sequence + 1),
    );

  return {
    id,

    /** Resolves when the readings are on disk; rejects, and takes none of them, when that failed or the spool is full. */
    append(records: NewRecord[]): Promise<void> {
      if (closed || waitingReadings >= MOST_WAITING) return Promise.reject(new Error('the spool takes no more now'));
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting.push({ records, done: resolve, failed: reject });
      waitingReadings += records.length;
      commitSoon();
      return promise;
    },

    /** At most `limit` records after `sequence`, in order. */
    async read(sequence: number, limit: number): Promise<SpoolRecord[]> {
      // The segment in which the last read ended may have been released since.
      const known = cursor.sequence === sequence && segments.some(({ first }) => first === cursor.segment);
      if (!known) cursor = { sequence, segment: segments[segmentAfter(sequence)]?.first ?? 1, offset: 0 };
      const found: SpoolRecord[] = [];
      let index = segments.findIndex((segment) => segment.first === cursor.segment);
      while (found.length < limit && index >= 0 && index < segments.length) {
        const segment = segments[index];
        if (!segment) break;
        const end = segments[index + 1]?.first ?? Number.POSITIVE_INFINITY;
        let offset = cursor.segment === segment.first ? cursor.offset : 0;
        try {
          for await (const line of readSegment(segment, offset)) {
            offset = line.end;
            if (!line.record) damaged += 1;
            // What a failed commit left behind was never acknowledged, and its sequences were given again.
            else if (line.record.sequence > sequence && line.record.sequence < end) found.push(line.record);
            if (found.length === limit) break;
          }
        } catch (error) {
          // What cannot be read must not keep the rest from the store.
          damaged += 1;
          log.error({ err: error, segment: segment.path }, 'spool: a segment cannot be read; going on with the next');
        }
        cursor = { sequence: found.at(-1)?.sequence ?? sequence, segment: segment.first, offset };
        index += 1;
      }
      return found;
    },

    /** Deletes segments of which the store has every record; the newest stays, since it carries the last sequence. */
    async release(stored: number): Promise<void> {
      for (let second = segments[1]; second && second.first <= stored + 1; second = segments[1]) {
        const first = segments.shift();
        if (first) await rm(first.path, { force: true });
      }
    },

    /** Resolves at the next commit. */
    arrival: (): Promise<void> => arrival.promise,

    state: () => ({ last, bytes: bytes(), damaged, trouble }),

    async [Symbol.asyncDispose](): Promise<void> {
      closed = true;
      timer?.[Symbol.dispose]();
      await commits.then(commit);
      await file?.handle.close();
    },
  };
}
export type Spool = Awaited<ReturnType<typeof openSpool>>;
