import type { Database, DatabaseOrTransaction } from '../db/database.ts';
import type { LateUseRow } from '../db/schema-bills.ts';
import { dayOf, startOfDay } from '../lib/calendar.ts';
import { chunksOf } from '../lib/chunks.ts';
import type { Clock } from '../lib/clock.ts';

/**
 * Which terminals' use of a month that is over may be another now: readings came late, or people changed something. So only their bills
 * are looked at again, however many there are.
 */

const ROWS_AT_ONCE = 1_000;
/** What comes late comes in many parts as a rule: it is looked at when no more came for so long, */
const QUIET_MS = 600_000;
/** or when it has gone on coming for this long. */
const LONGEST_MS = 6 * 3_600_000;

export interface Late {
  terminalId: string;
  /** Epoch ms. */
  time: number;
}

export function createLateUse({ db, clock }: { db: Database; clock: Clock }) {
  return {
    /** To be called before it is stored: what is noted and never comes does no harm. Times of the month that runs are passed over. */
    async note(records: readonly Late[], at: DatabaseOrTransaction = db): Promise<void> {
      const now = clock.now();
      const month = startOfDay(`${dayOf(now).slice(0, 7)}-01`);
      const first = new Map<string, number>();
      for (const { terminalId, time } of records) {
        if (time < month) first.set(terminalId, Math.min(time, first.get(terminalId) ?? time));
      }
      // In the order of their names, as other gateways note some too.
      const rows = [...first]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([terminalId, fromTime]): LateUseRow => ({ terminalId, fromTime, firstNotedAt: now, notedAt: now }));
      for (const some of chunksOf(rows, ROWS_AT_ONCE)) {
        await at
          .insertInto('lateUse')
          .values(some)
          .onConflict((conflict) =>
            conflict.column('terminalId').doUpdateSet((row) => ({
              notedAt: now,
              fromTime: row
                .case()
                .when('lateUse.fromTime', '<', row.ref('excluded.fromTime'))
                .then(row.ref('lateUse.fromTime'))
                .else(row.ref('excluded.fromTime'))
                .end(),
            })),
          )
          .execute();
      }
    },

    /** Of which nothing more came for a while. */
    due(limit: number): Promise<LateUseRow[]> {
      const now = clock.now();
      return db
        .selectFrom('lateUse')
        .selectAll()
        .where((row) => row.or([row('notedAt', '<=', now - QUIET_MS), row('firstNotedAt', '<=', now - LONGEST_MS)]))
        .orderBy('terminalId')
        .limit(limit)
        .execute();
    },

    /** When their bills were looked at; what was noted meanwhile stays. */
    async forget(rows: readonly LateUseRow[]): Promise<void> {
      await db.transaction().execute(async (transaction) => {
        for (const { terminalId, notedAt } of rows) {
          await transaction
            .deleteFrom('lateUse')
            .where('terminalId', '=', terminalId)
            .where('notedAt', '=', notedAt)
            .execute();
        }
      });
    },
  };
}
export type LateUse = ReturnType<typeof createLateUse>;
