import type { Transaction } from 'kysely';
import { type Caller, visibleHouseholds } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import type { BillRow } from '../db/schema-bills.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { issueBills, releaseBill } from './issue-bills.ts';
import type { Ledger } from './ledger.ts';
import type { MadeNow, MakeAnew } from './make-anew.ts';
import { daysKept } from './meter-use.ts';

/** Bills that were made: looked at, released, and made anew. */

export interface BillFilter extends Page {
  companyId?: string | undefined;
  householdId?: string | undefined;
  period?: string | undefined;
  state?: BillRow['state'] | undefined;
  runId?: string | undefined;
  late?: boolean | undefined;
}

export function createBills(parts: { db: Database; clock: Clock; ledger: Ledger; makeAnew: MakeAnew }) {
  const { db, clock, ledger, makeAnew } = parts;

  const visible = (caller: Caller) =>
    db
      .selectFrom('bills')
      .innerJoin('households', 'households.id', 'bills.householdId')
      .selectAll('bills')
      .select(['households.accountNo', 'households.name'])
      .where(visibleHouseholds(caller))
      // What waits for a person is not the household's to see.
      .$if(caller.role === 'resident', (query) => query.where('bills.state', '<>', 'held'));

  async function get(caller: Caller, id: string) {
    const bill = await visible(caller).where('bills.id', '=', id).executeTakeFirst();
    if (!bill) throw new GatewayError('not_found');
    return bill;
  }

  return {
    get,

    /** The newest first. */
    async list(caller: Caller, { limit, cursor, ...filter }: BillFilter) {
      let query = visible(caller);
      if (filter.companyId) query = query.where('bills.companyId', '=', filter.companyId);
      if (filter.householdId) query = query.where('bills.householdId', '=', filter.householdId);
      if (filter.period) query = query.where('bills.period', '=', filter.period);
      if (filter.state) query = query.where('bills.state', '=', filter.state);
      if (filter.runId) query = query.where('bills.runId', '=', filter.runId);
      if (filter.late) query = query.where('bills.lateFen', 'is not', null);
      if (cursor) query = query.where('bills.id', '<', cursor);
      return pageOf(
        await query
          .orderBy('bills.id', 'desc')
          .limit(limit + 1)
          .execute(),
        limit,
      );
    },

    /** What its meters had counted, day by day. */
    async usageOf(billId: string) {
      const rows = await db
        .selectFrom('billUsage')
        .selectAll()
        .where('billId', '=', billId)
        .orderBy('metric')
        .orderBy('terminalId')
        .execute();
      return rows.map((row) => ({ terminalId: row.terminalId, metric: row.metric, days: daysKept(row) }));
    },

    replacementOf: (id: string): Promise<{ id: string } | undefined> =>
      db.selectFrom('bills').select('id').where('replaces', '=', id).executeTakeFirst(),

    async release(transaction: Transaction<Tables>, caller: Caller, id: string, reason: string): Promise<BillRow> {
      const bill = await transaction.selectFrom('bills').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
      const { numUpdatedRows } = await transaction
        .updateTable('bills')
        .set({ state: 'issued' })
        .where('id', '=', id)
        .where('state', '=', 'held')
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) throw new GatewayError('wrong_state', `The bill is ${bill.state}`);
      const household = await transaction
        .selectFrom('households')
        .selectAll()
        .where('id', '=', bill.householdId)
        .executeTakeFirstOrThrow();
      return releaseBill(transaction, ledger, { bill, household, at: clock.now(), by: caller.name, reason });
    },

    /** What the bill would be now; undefined where the household has no meter or no tariff any more. */
    madeAnew: async (bill: BillRow): Promise<MadeNow | undefined> =>
      (await makeAnew([bill], bill.period)).get(bill.householdId),

    /** A new bill in the place of one, as `madeAnew` gave it; the ledger gets the difference. */
    async rebill(
      transaction: Transaction<Tables>,
      caller: Caller,
      bill: BillRow,
      now: MadeNow | undefined,
      reason: string,
    ): Promise<BillRow> {
      if (!now) throw new GatewayError('wrong_state', 'The household has no meter or no tariff for the period');
      const { period, lastDay } = bill;
      const draft = { ...now, period, lastDay, held: false, replaces: bill, reason };
      const [row] =
        bill.state === 'replaced'
          ? []
          : await issueBills(transaction, ledger, [draft], { at: clock.now(), by: caller.name });
      if (!row) throw new GatewayError('wrong_state', 'The bill was replaced already');
      return row;
    },
  };
}
export type ShownBill = Awaited<ReturnType<ReturnType<typeof createBills>['get']>>;
