import { type Expression, type Selectable, type SqlBool, sql, type Transaction } from 'kysely';
import { type Caller, visibleBatches } from '../areas/scope.ts';
import type { Database, DatabaseOrTransaction } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import type { BatchItemRow, BatchRow, BatchState, ShownState } from '../db/schema-batches.ts';
import { chunksOf } from '../lib/chunks.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Counts } from './batch-life.ts';
import type { BatchPlan } from './batch-plan.ts';
import type { Reason } from './rules.ts';

/** Batches as they lie in the database. */

export interface BatchStep {
  state: BatchState;
  at: number;
  /** Who did it; null for the gateway itself. */
  by: string | null;
  detail: string | null;
}

export type Batch = Omit<Selectable<BatchRow>, 'value' | 'history'> & {
  value: string | number;
  history: BatchStep[];
  /** Of its items, by the state that they show. */
  counts: Counts;
};

export interface BatchItem {
  terminalId: string;
  areaCode: string | null;
  householdId: string | null;
  position: number;
  state: ShownState;
  at: number | null;
  commandId: string | null;
  rules: Reason[];
}

/** A statement takes only so many parameters. */
const ROWS_AT_ONCE = 200;

/** An item shows its command's state, once it has one. */
const shown = sql<ShownState>`coalesce(commands.state, command_batch_items.state)`;

const itemsOf = (db: DatabaseOrTransaction) =>
  db.selectFrom('commandBatchItems').leftJoin('commands', 'commands.id', 'commandBatchItems.commandId');

const batchOf = (row: BatchRow, counts: Counts): Batch => ({
  ...row,
  value: JSON.parse(row.value) as string | number,
  history: JSON.parse(row.history) as BatchStep[],
  counts,
});

/** Counts of several batches; with `from`, only of those that had their turn since. */
export async function countsOf(db: DatabaseOrTransaction, ids: string[], from?: number): Promise<Map<string, Counts>> {
  const counts = new Map<string, Counts>(ids.map((id) => [id, {}]));
  if (ids.length === 0) return counts;
  let query = itemsOf(db)
    .select(['commandBatchItems.batchId', shown.as('shown')])
    .select((row) => row.fn.countAll<number>().as('count'))
    .where('commandBatchItems.batchId', 'in', ids)
    .groupBy(['commandBatchItems.batchId', shown]);
  if (from !== undefined) query = query.where('commandBatchItems.at', '>=', from);
  for (const { batchId, shown: state, count } of await query.execute()) {
    const known = counts.get(batchId);
    if (known) known[state] = Number(count);
  }
  return counts;
}

export async function withCounts(db: DatabaseOrTransaction, rows: BatchRow[]): Promise<Batch[]> {
  const counts = await countsOf(
    db,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => batchOf(row, counts.get(row.id) ?? {}));
}

/** Writes a batch with its list, which never changes again. */
export async function insertBatch(transaction: Transaction<Tables>, row: BatchRow, plan: BatchPlan): Promise<Batch> {
  await transaction.insertInto('commandBatches').values(row).execute();
  const items = plan.items.map(({ terminal, decision, rules }, position): BatchItemRow => {
    const { id: terminalId, areaCode, companyId, householdId } = terminal;
    const state = decision === 'refused' ? 'refused' : 'waiting';
    const place = { areaCode: areaCode ?? '', companyId, householdId };
    return {
      batchId: row.id,
      terminalId,
      position,
      ...place,
      state,
      at: null,
      commandId: null,
      rules: JSON.stringify(rules),
    };
  });
  for (const some of chunksOf(items, ROWS_AT_ONCE)) {
    await transaction.insertInto('commandBatchItems').values(some).execute();
  }
  const refused = items.filter(({ state }) => state === 'refused').length;
  const waiting = items.length - refused;
  return batchOf(row, { ...(waiting && { waiting }), ...(refused && { refused }) });
}

/** Terminals of a company that batches have yet to switch off. */
export async function waitingOff(db: Database, companyId: string | null): Promise<number> {
  const { count } = await db
    .selectFrom('commandBatchItems')
    .innerJoin('commandBatches', 'commandBatches.id', 'commandBatchItems.batchId')
    .select((row) => row.fn.countAll<number>().as('count'))
    .where('commandBatches.homes', '>', 0)
    .where('commandBatches.state', 'in', ['running', 'paused', 'stopped'])
    .where('commandBatchItems.state', '=', 'waiting')
    .where('commandBatchItems.companyId', 'is not distinct from', companyId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export function createBatchListing(db: Database) {
  const visibleTo = (caller: Caller) => db.selectFrom('commandBatches').selectAll().where(visibleBatches(caller));

  async function get(caller: Caller, id: string): Promise<Batch> {
    const row = await visibleTo(caller).where('id', '=', id).executeTakeFirst();
    const [batch] = row ? await withCounts(db, [row]) : [];
    if (!batch) throw new GatewayError('not_found');
    return batch;
  }

  /** In the order of their turns. The cursor is the position of the last one shown. */
  async function items(
    id: string,
    { limit, cursor, state }: { limit: number; cursor?: number | undefined; state?: ShownState | undefined },
  ): Promise<{ items: BatchItem[]; nextCursor: string | null }> {
    let query = itemsOf(db)
      .select([
        'commandBatchItems.terminalId',
        'commandBatchItems.areaCode',
        'commandBatchItems.householdId',
        'commandBatchItems.position',
        'commandBatchItems.at',
        'commandBatchItems.commandId',
        'commandBatchItems.rules',
      ])
      .select(shown.as('state'))
      .where('commandBatchItems.batchId', '=', id);
    if (cursor !== undefined) query = query.where('commandBatchItems.position', '>', cursor);
    if (state) query = query.where(sql`${shown} = ${state}` as Expression<SqlBool>);
    const rows = await query
      .orderBy('commandBatchItems.position')
      .limit(limit + 1)
      .execute();
    const found = rows.slice(0, limit).map((row) => ({
      ...row,
      areaCode: row.areaCode || null,
      rules: JSON.parse(row.rules) as Reason[],
    }));
    const next = rows.length > limit ? found.at(-1)?.position : undefined;
    return { items: found, nextCursor: next === undefined ? null : String(next) };
  }

  return {
    get,
    items,

    /** The newest first. */
    async list(caller: Caller, { limit, cursor, state }: Page & { state?: BatchState | undefined }) {
      let query = visibleTo(caller);
      if (state) query = query.where('state', '=', state);
      if (cursor) query = query.where('id', '<', cursor);
      const rows = await query
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      const page = pageOf(rows, limit);
      return { ...page, items: await withCounts(db, page.items) };
    },
  };
}
