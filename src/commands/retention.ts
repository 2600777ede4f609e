import type { Database } from '../db/database.ts';
import type { BatchState } from '../db/schema-batches.ts';

/** Batches that are over, and runs of schedules, are kept for so long. Their commands stay, and so does all that the audit says of them. */

const OVER: BatchState[] = ['done', 'refused', 'cancelled'];
/** A batch with all its items is one transaction, so that others get their turn between two of them. */
const IDS_AT_ONCE = 500;

async function forgetBatches(db: Database, before: number): Promise<void> {
  const old = await db
    .selectFrom('commandBatches')
    .select('id')
    .where('state', 'in', OVER)
    .where('createdAt', '<', before)
    .limit(IDS_AT_ONCE)
    .execute();
  for (const { id } of old) {
    await db.transaction().execute(async (transaction) => {
      await transaction.deleteFrom('commandBatchItems').where('batchId', '=', id).execute();
      await transaction.deleteFrom('commandBatches').where('id', '=', id).execute();
    });
  }
  if (old.length === IDS_AT_ONCE) await forgetBatches(db, before);
}

/** A schedule goes with the last of its runs, once it is removed or over. */
async function forgetRuns(db: Database, before: number): Promise<void> {
  await db.deleteFrom('scheduleRuns').where('at', '<', before).execute();
  await db
    .deleteFrom('schedules')
    .where('createdAt', '<', before)
    .where((row) => row.or([row('removedAt', '<', before), row('nextAt', 'is', null)]))
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('scheduleRuns').select('scheduleRuns.id').whereRef('scheduleRuns.scheduleId', '=', 'schedules.id'),
        ),
      ),
    )
    .execute();
}

/** `before` is epoch ms. A run goes before its batch does, as it is the older of the two. */
export async function forgetOld(db: Database, before: number): Promise<void> {
  await forgetRuns(db, before);
  await forgetBatches(db, before);
}
