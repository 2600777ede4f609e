import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Database } from '../db/database.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Decoded } from '../terminals/decode.ts';
import { decodeKept } from '../terminals/frames.ts';
import type { Registry } from '../terminals/registry.ts';
import type { Quarantine, QuarantineFilter } from './quarantine.ts';
import type { RefusedFrame } from './quarantine-rows.ts';
import type { NewRecord, Spool } from './spool.ts';

/** Refused frames once more, after a profile was mended. */

/** Messages whose rows change at once, and readings of one commit. */
const BATCH = 100;
const READINGS_AT_ONCE = 1_000;

export interface RequeueFilter extends QuarantineFilter {
  profile?: string | undefined;
}

export interface Requeued {
  /** Messages of which nothing is refused any longer, and those of which something still is. */
  requeued: number;
  stillRefused: number;
}

export function createRequeue(parts: {
  db: Database;
  quarantine: Quarantine;
  spool: Spool;
  registry: Registry;
  maxFutureMs: number;
}) {
  const { db, quarantine, spool, registry, maxFutureMs } = parts;
  let running = false;

  /** The next frames after a row, none of them newer than `upTo`; a frame's first row has its id and all of it. */
  function next({ terminalId, profile, reason }: RequeueFilter, after: string, upTo: string): Promise<RefusedFrame[]> {
    let query = db
      .selectFrom('quarantine')
      .innerJoin('terminals', 'terminals.id', 'quarantine.terminalId')
      .select(['quarantine.id', 'quarantine.terminalId', 'quarantine.receivedAt', 'quarantine.frame'])
      .where('terminals.removedAt', 'is', null)
      .where(sql<boolean>`quarantine.id = quarantine.frame_id`)
      .where('quarantine.id', '>', after)
      .where('quarantine.id', '<=', upTo);
    if (terminalId) query = query.where('quarantine.terminalId', '=', terminalId);
    if (profile) query = query.where('terminals.profile', '=', profile);
    if (reason) {
      const refused = db.selectFrom('quarantine as other').select('other.frameId').where('other.reason', '=', reason);
      query = query.where('quarantine.frameId', 'in', refused);
    }
    return query.orderBy('quarantine.id').limit(BATCH).execute();
  }

  function decode({ terminalId, receivedAt, frame }: RefusedFrame): Decoded | undefined {
    const terminal = registry.find(terminalId);
    const bounds = { now: receivedAt, maxFutureMs, installedAt: terminal?.installedAt ?? null };
    return terminal && decodeKept(terminal.profile, frame, bounds);
  }

  /** What is good is in the spool before its rows leave: killed in between, it comes again, and the store keeps it once. */
  async function putIn(frames: RefusedFrame[]): Promise<Requeued> {
    const decoded: { frame: RefusedFrame; rejects: Decoded['rejects'] }[] = [];
    let good: NewRecord[] = [];
    for (const frame of frames) {
      const found = decode(frame);
      if (!found) continue;
      decoded.push({ frame, rejects: found.rejects });
      for (const reading of found.readings) good.push({ terminalId: frame.terminalId, ...reading });
      if (good.length >= READINGS_AT_ONCE) {
        await spool.append(good);
        good = [];
      }
      await nextTurn();
    }
    if (good.length > 0) await spool.append(good);
    await quarantine.replace(decoded);
    const stillRefused = decoded.filter(({ rejects }) => rejects.length > 0).length;
    return { requeued: decoded.length - stillRefused, stillRefused };
  }

  async function run(filter: RequeueFilter, signal: AbortSignal): Promise<Requeued> {
    const newest = await db.selectFrom('quarantine').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
    const upTo = newest?.id ?? '';
    const all: Requeued = { requeued: 0, stillRefused: 0 };
    let after = '';
    while (!signal.aborted) {
      const frames = await next(filter, after, upTo);
      const { requeued, stillRefused } = await putIn(frames);
      all.requeued += requeued;
      all.stillRefused += stillRefused;
      after = frames.at(-1)?.id ?? after;
      if (frames.length < BATCH) break;
    }
    return all;
  }

  /**
   * Decodes the frames that fit the filter by their profiles as they are now, one batch after the other. What is good goes to the spool
   * under its own time; a frame of which something is still refused stays, with its new reasons. Ends after a batch when `signal` says so.
   */
  return async (filter: RequeueFilter, signal: AbortSignal): Promise<Requeued> => {
    if (running) throw new GatewayError('wrong_state', 'Messages are being put in again already');
    running = true;
    try {
      return await run(filter, signal);
    } finally {
      running = false;
    }
  };
}
export type Requeue = ReturnType<typeof createRequeue>;
