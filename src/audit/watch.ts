import type { Database } from '../db/database.ts';
import { type Clock, every } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { createChecker, type Fault, type Head } from './chain.ts';
import { readHeads, writeHead } from './head-file.ts';
import { headOf, rowsAfter } from './verify.ts';

/** Notes the head of the audit outside the database, and looks through all of it again and again, a small part at a time. */

const TURN_MS = 1_000;
/** Of one turn: a few milliseconds of work. */
const ROWS_AT_ONCE = 1_000;
/** When all was looked at, the look begins anew after this. */
const ANEW_MS = 3_600_000;
const LOG_MS = 3_600_000;

export interface AuditState {
  /** The newest row; null while there is none. */
  head: Head | null;
  /** Up to which row the present look, which began then, has come. Epoch ms. */
  checked: { seq: number; since: number };
  /** Up to which row the look had come that ended last, and when that was. Epoch ms; null before the first. */
  verified: { seq: number; at: number } | null;
  /** What the last look that found something found; none when it was all right. */
  faults: readonly Fault[];
}

/** Dispose notes the head once more. */
export function startAuditWatch(parts: { db: Database; folder: string; clock: Clock; log: Logger }) {
  const { db, folder, clock, log } = parts;
  const noted = readHeads(folder);
  let head: Head | null = null;
  let last = noted.at(-1);
  let logged = Number.NEGATIVE_INFINITY;
  let checker = createChecker(noted);
  let since = clock.now();
  let endedAt: number | undefined;
  let verified: AuditState['verified'] = null;
  let faults: readonly Fault[] = [];
  let saidOf = '';

  async function note(): Promise<void> {
    const newest = await headOf(db);
    head = newest.seq === 0 ? null : newest;
    if (head === null || (last && head.seq <= last.seq)) return;
    await writeHead(folder, head, clock.now());
    last = head;
    if (clock.ticks() - logged < LOG_MS) return;
    logged = clock.ticks();
    log.info({ seq: head.seq, hash: head.hash }, 'audit: head');
  }

  function say(): void {
    faults = checker.faults();
    const [fault] = faults;
    const words = fault ? `${fault.kind} ${fault.seq}` : '';
    if (fault && words !== saidOf) log.error({ fault }, 'audit: rows were changed; run hearthgate audit verify');
    saidOf = words;
  }

  async function look(): Promise<void> {
    if (endedAt !== undefined) {
      if (clock.ticks() - endedAt < ANEW_MS) return;
      endedAt = undefined;
      since = clock.now();
      checker = createChecker(readHeads(folder));
    }
    const rows = await rowsAfter(db, checker.last().seq, ROWS_AT_ONCE);
    for (const row of rows) checker.take(row);
    if (checker.faults().length > 0) say();
    if (rows.length === ROWS_AT_ONCE) return;
    const newest = await headOf(db);
    if (newest.seq > checker.last().seq && (await rowsAfter(db, checker.last().seq, 1)).length > 0) return;
    checker.end(newest);
    endedAt = clock.ticks();
    verified = { seq: checker.last().seq, at: clock.now() };
    say();
  }

  const turns = every(
    clock,
    TURN_MS,
    async () => {
      await note();
      await look();
    },
    (error) => log.error({ err: error }, 'audit: its head is not noted'),
  );

  return {
    state: (): AuditState => ({ head, checked: { seq: checker.last().seq, since }, verified, faults }),
    async [Symbol.asyncDispose](): Promise<void> {
      turns[Symbol.dispose]();
      await note().catch((error) => log.error({ err: error }, 'audit: its last head is not noted'));
    },
  };
}
export type AuditWatch = ReturnType<typeof startAuditWatch>;
