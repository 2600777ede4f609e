import { join } from 'node:path';
import { type Clock, every } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';
import { type Disk, type DiskFile, NotKept, readWhole, realDisk, writeSynced } from './disk.ts';
import { seal } from './records.ts';
import { listSegments, newSegment, readSegment, type Segment, type SpoolRecord } from './segments.ts';
import { createSpoolReader } from './spool-reader.ts';

/** Readings on disk, in the order in which they came, until the store has them. Appending resolves when `fdatasync` has. */

export type NewRecord = Omit<SpoolRecord, 'sequence'>;

export interface SpoolOptions {
  folder: string;
  /** How long appends gather for one commit; twice as long while many come. */
  commitWaitMs: number;
  segmentBytes: number;
  /** At each of these limits appending fails, and nothing older is dropped for it: bytes in the spool, */
  maxBytes: number;
  /** the age of what has waited longest for the store, to the hour, */
  maxAgeMs: number;
  /** and the space that is left on the disk, or 5 % of a small one. */
  minFreeBytes: number;
}

/** What a commit took, milliseconds: to disk, and since the first of its readings came. */
export interface CommitTimes {
  diskMs: number;
  longestWaitMs: number;
}

/** What is committed together, and the promise that all who appended to it share. */
interface Batch extends PromiseWithResolvers<void> {
  records: SpoolRecord[];
}

const newBatch = (): Batch => ({ records: [], ...Promise.withResolvers<void>() });

/** Most readings that wait for a commit, and newest ones in memory for the store, which then needs no disk while it keeps up. */
const MOST_WAITING = 100_000;
const MOST_RECENT = 100_000;
/** A commit of as many says that many come. */
const MANY = 200;
/** A segment takes new records for this long, so that its age says the age of its records. */
const SEGMENT_MS = 3_600_000;
const CHECK_MS = 1_000;
const SMALL_DISK_SHARE = 0.05;
/** No record is shorter. Bytes. */
const SHORTEST_RECORD = 24;

/**
 * The last sequence that a segment may have given. What cannot be read at its end may have been records, so their sequences are
 * passed over: a store that has them must not take new readings for old ones.
 */
async function lastGiven(disk: Disk, segment: Segment, log: Logger): Promise<number> {
  let lastGood = segment.first - 1;
  let goodBytes = 0;
  for await (const found of readSegment(disk, segment, 0)) {
    const good = found.findLast(({ record }) => record !== undefined);
    if (!good?.record) continue;
    lastGood = good.record.sequence;
    goodBytes = good.end;
  }
  const unread = segment.bytes - goodBytes;
  if (unread > 0) log.warn({ bytes: unread, segment: segment.path }, 'spool: the end of a segment cannot be read');
  return lastGood + Math.ceil(unread / SHORTEST_RECORD);
}

/**
 * Each spool has a name of its own, under which stores keep their position in it. Without any segment it is a new one, or its files
 * were lost: then it begins at the beginning, under a new name.
 */
async function idOf(disk: Disk, folder: string, segments: Segment[]): Promise<string> {
  const path = join(folder, 'id');
  const known = segments.length > 0 ? await readWhole(disk, path).catch(() => '') : '';
  if (known.length > 0) return known.toString();
  const id = newId('spool');
  const file = await disk.open(`${path}.new`, 'w');
  await writeSynced(file, Buffer.from(id), 0).finally(() => file.close());
  await disk.rename(`${path}.new`, path);
  await disk.syncFolder(folder);
  return id;
}

/** Opens the spool; damaged data never keeps it from opening. Dispose commits what waits and closes. */
export async function openSpool(
  options: SpoolOptions,
  parts: {
    clock: Clock;
    log: Logger;
    disk?: Disk;
    onCommit?: (times: CommitTimes) => void;
    /** Told of each commit's records, in order. */
    onKept?: (records: SpoolRecord[]) => void;
  },
) {
  const { folder, commitWaitMs } = options;
  // The newest segment stays when all is stored, and must leave room for the next.
  const segmentBytes = Math.min(options.segmentBytes, options.maxBytes / 4);
  const { clock, log, disk = realDisk } = parts;
  await disk.makeFolder(folder);
  const segments = await listSegments(disk, folder);
  const id = await idOf(disk, folder, segments);
  const newest = segments.at(-1);
  let last = newest ? await lastGiven(disk, newest, log) : 0;

  let file: { handle: DiskFile; segment: Segment } | undefined;
  let waiting = newBatch();
  let recent: SpoolRecord[] = [];
  let commits: Promise<void> = Promise.resolve();
  let timer: Disposable | undefined;
  let arrival = Promise.withResolvers<void>();
  let refused = 0;
  /** When the oldest reading came that waits for a commit, and that is in the commit under way. */
  let gatheredSince: number | undefined;
  let committingSince: number | undefined;
  let committed = 0;
  let space = await disk.space(folder);
  /** Why the last commit failed. */
  let failure: string | undefined;
  let closed = false;
  const reader = createSpoolReader(segments, { disk, log });

  const bytes = () => segments.reduce((sum, segment) => sum + segment.bytes, 0);

  /**
   * How long the oldest record has waited for the store, to the hour. What the newest segment with records holds counts as new: the store
   * may have all of it, and is told so by none that is empty.
   */
  function ageMs(): number {
    const [oldest, ...others] = segments;
    return oldest && others.some((segment) => segment.bytes > 0) ? clock.now() - oldest.writtenAt : 0;
  }

  /** Which limit is reached. */
  function limit(): string | undefined {
    if (bytes() >= options.maxBytes) return `the spool is full (${bytes()} bytes)`;
    if (ageMs() >= options.maxAgeMs)
      return `readings have waited ${Math.floor(ageMs() / 3_600_000)} hours for the store`;
    if (space.free < Math.min(options.minFreeBytes, space.total * SMALL_DISK_SHARE)) {
      return `the disk is full (${space.free} bytes are free)`;
    }
    return undefined;
  }

  /** The file to append to; a full one, and one whose last commit failed, is left for a new one. */
  async function current() {
    const fresh = file && file.segment.bytes < segmentBytes && clock.now() - file.segment.beganAt < SEGMENT_MS;
    if (file && (fresh || file.segment.bytes === 0)) return file;
    await file?.handle.close();
    file = undefined;
    const segment = newSegment(folder, last + 1, clock.now());
    const handle = await disk.open(segment.path, 'w');
    await disk.syncFolder(folder).catch(async (error: unknown) => {
      await handle.close();
      throw error;
    });
    if (segments.at(-1)?.first === segment.first) segments.pop();
    segments.push(segment);
    file = { handle, segment };
    return file;
  }

  async function write(records: SpoolRecord[]): Promise<void> {
    const full = limit();
    if (full) throw new Error(full);
    const { handle, segment } = await current();
    const data = seal(records);
    try {
      await writeSynced(handle, data, segment.bytes);
    } catch (error) {
      // A failed fdatasync must not be tried again as if it had worked: the kernel may have dropped the pages.
      await handle.truncate(segment.bytes).catch(() => undefined);
      await handle.close().catch(() => undefined);
      file = undefined;
      throw error;
    }
    segment.bytes += data.length;
    segment.writtenAt = clock.now();
  }

  /** Also with nothing that waits, to see whether the disk takes it. */
  async function commit(): Promise<void> {
    const { records, resolve, reject } = waiting;
    waiting = newBatch();
    let sequence = last;
    let longestWaitMs = 0;
    for (const record of records) record.sequence = ++sequence;
    const began = clock.ticks();
    committingSince = gatheredSince ?? began;
    gatheredSince = undefined;
    try {
      await write(records);
    } catch (error) {
      refused += records.length;
      if (failure === undefined) log.error({ err: error }, 'spool: commit failed; readings are not acknowledged');
      failure = String(error);
      if (records.length > 0) reject(new NotKept(failure, { cause: error }));
      return;
    } finally {
      longestWaitMs = clock.ticks() - committingSince;
      committingSince = undefined;
    }
    if (failure !== undefined) log.info('spool: readings are taken again');
    failure = undefined;
    if (records.length > 0) parts.onCommit?.({ diskMs: clock.ticks() - began, longestWaitMs });
    committed = records.length;
    last = sequence;
    if (recent.length + records.length > MOST_RECENT) recent = [];
    for (const record of records) recent.push(record);
    parts.onKept?.(records);
    resolve();
    arrival.resolve();
    arrival = Promise.withResolvers();
  }

  function commitSoon(): void {
    timer ??= clock.after(committed < MANY ? commitWaitMs : 2 * commitWaitMs, () => {
      timer = undefined;
      commits = commits.then(commit);
    });
  }

  /** Readings are refused until a commit works, so one is tried without them. */
  async function check(): Promise<void> {
    space = await disk.space(folder);
    if (failure === undefined || waiting.records.length > 0 || limit()) return;
    commits = commits.then(commit);
    await commits;
  }
  const checks = every(clock, CHECK_MS, check, (error) => log.warn({ err: error }, 'spool: a check failed'));

  return {
    id,

    /** Resolves when the readings are on disk; rejects, and takes none of them, when that failed or a limit is reached. */
    append(records: NewRecord[]): Promise<void> {
      if (closed || waiting.records.length >= MOST_WAITING) {
        refused += records.length;
        return Promise.reject(new NotKept('the spool takes no more now'));
      }
      gatheredSince ??= clock.ticks();
      for (const { terminalId, time, values } of records)
        waiting.records.push({ sequence: 0, terminalId, time, values });
      commitSoon();
      return waiting.promise;
    },

    /** At most `most` records after `sequence`, in order. */
    async read(sequence: number, most: number): Promise<SpoolRecord[]> {
      const [oldest] = recent;
      if (!oldest || oldest.sequence > sequence + 1) return reader.read(sequence, most, last);
      const start = sequence + 1 - oldest.sequence;
      return recent.slice(start, start + most);
    },

    /** Reads all that was there, beside the drain. */
    reader: () => {
      const { read } = createSpoolReader(segments, { disk, log });
      return { read: (sequence: number, most: number) => read(sequence, most, last) };
    },

    /** Deletes segments of which the store has every record; the newest stays, since it carries the last sequence. */
    async release(stored: number): Promise<void> {
      const [oldest] = recent;
      if (oldest && oldest.sequence <= stored) recent = recent.slice(stored + 1 - oldest.sequence);
      for (let second = segments[1]; second && second.first <= stored + 1; second = segments[1]) {
        const first = segments.shift();
        if (first) await disk.remove(first.path);
      }
    },

    /** Resolves at the next commit. */
    arrival: (): Promise<void> => arrival.promise,

    /** `waitingMs`: for how long the oldest reading has waited for its commit. `refused`: readings not acknowledged since the start. */
    state: () => ({
      last,
      bytes: bytes(),
      maxBytes: options.maxBytes,
      damaged: reader.damaged(),
      trouble: limit() ?? failure,
      refused,
      waiting: waiting.records.length,
      mostWaiting: MOST_WAITING,
      waitingMs: clock.ticks() - (committingSince ?? gatheredSince ?? clock.ticks()),
    }),

    async [Symbol.asyncDispose](): Promise<void> {
      closed = true;
      timer?.[Symbol.dispose]();
      checks[Symbol.dispose]();
      await commits.then(() => (waiting.records.length > 0 ? commit() : undefined));
      await file?.handle.close();
    },
  };
}
export type Spool = Awaited<ReturnType<typeof openSpool>>;
