import { type Caller, visibleTerminals } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { QuarantineRow } from '../db/schema.ts';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import type { Reject } from '../terminals/decode.ts';

/** Data that was refused, kept with its reason; the oldest rows go when there are more than `limit`. */

/** The whole message with the first reject, its beginning with the others. */
const MOST_FRAME = 2_000;
/** More rejects than this of one frame tell nothing new. */
const MOST_REJECTS = 20;
const SWEEP_EVERY = 1_000;

export function createQuarantine({ db, clock, limit }: { db: Database; clock: Clock; limit: number }) {
  let added = 0;

  async function sweep(): Promise<void> {
    const oldest = await db
      .selectFrom('quarantine')
      .select('id')
      .orderBy('id', 'desc')
      .offset(limit)
      .limit(1)
      .executeTakeFirst();
    if (oldest) await db.deleteFrom('quarantine').where('id', '<=', oldest.id).execute();
  }

  return {
    async add(terminalId: string, rejects: Reject[], frame: string): Promise<void> {
      const rows = rejects.slice(0, MOST_REJECTS).map(
        ({ reason, metric, detail }, index): QuarantineRow => ({
          id: newId('q'),
          terminalId,
          receivedAt: clock.now(),
          reason,
          metric: metric ?? null,
          detail,
          frame: index === 0 ? frame : frame.slice(0, MOST_FRAME),
        }),
      );
      await db.insertInto('quarantine').values(rows).execute();
      added += rows.length;
      if (added % SWEEP_EVERY < rows.length) await sweep();
    },

    /** The newest first. */
    async list(caller: Caller, { limit, cursor, terminalId }: Page & { terminalId?: string | undefined }) {
      let query = db
        .selectFrom('quarantine')
        .innerJoin('terminals', 'terminals.id', 'quarantine.terminalId')
        .selectAll('quarantine')
        .where(visibleTerminals(caller));
      if (terminalId) query = query.where('quarantine.terminalId', '=', terminalId);
      if (cursor) query = query.where('quarantine.id', '<', cursor);
      return pageOf(
        await query
          .orderBy('quarantine.id', 'desc')
          .limit(limit + 1)
          .execute(),
        limit,
      );
    },

    added: () => added,
  };
}
export type Quarantine = ReturnType<typeof createQuarantine>;
