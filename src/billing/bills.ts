import type { Transaction } from 'kysely';
import { type Caller, visibleHouseholds } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { HouseholdRow, Tables } from '../db/schema.ts';
import type { BillRow } from '../db/schema-bills.ts';
import { daysOfMonth } from '../lib/calendar.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { fromFen, toFen } from '../lib/money.ts';
import { issueBills, releaseBill } from './issue-bills.ts';
import type { Ledger } from './ledger.ts';
import type { MadeBill } from './make-bill.ts';
import { daysKept } from './meter-use.ts';
import type { PrepareBills } from './prepare-bills.ts';
import { differs, totalOf } from './run-step.ts';

/** Bills that were made: looked at, released, made anew, and compared with what has come late. */

const DAY_MS = 86_400_000;
const RECHECKED_AT_ONCE = 50;

export interface BillFilter extends Page {
  companyId?: string | undefined;
  householdId?: string | undefined;
  period?: string | undefined;
  state?: BillRow['state'] | undefined;
  runId?: string | undefined;
  late?: boolean | undefined;
}

export interface MadeNow {
  household: HouseholdRow;
  made: MadeBill;
  firstDay: string;
}

export function createBills(parts: {
  db: Database;
  clock: Clock;
  ledger: Ledger;
  prepare: PrepareBills;
  recheckDays: number;
}) {
  const { db, clock, ledger, prepare, recheckDays } = parts;

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

  async function madeNow(bills: BillRow[], period: string): Promise<Map<string, MadeNow>> {
    const found = new Map<string, MadeNow>();
    const rows = await db
      .selectFrom('households')
      .innerJoin('companies', 'companies.id', 'households.companyId')
      .selectAll('households')
      .select('companies.name as companyName')
      .where(
        'households.id',
        'in',
        bills.map(({ householdId }) => householdId),
      )
      .execute();
    const through = bills[0]?.lastDay ?? '';
    for (const [companyName, own] of Map.groupBy(rows, (row) => row.companyName)) {
      const households = own.map(({ companyName: _, ...household }) => household);
      const prepared = await prepare(households, { companyName, from: daysOfMonth(period).from, through });
      for (const household of households) {
        const one = prepared.get(household.id);
        if (one && 'made' in one) found.set(household.id, { household, ...one });
      }
    }
    return found;
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
      (await madeNow([bill], bill.period)).get(bill.householdId),

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

    /** Looks at some bills of periods that are not long over, those first that were not looked at for longest, at most once a day. */
    async recheck(): Promise<void> {
      const now = clock.now();
      const bills = await db
        .selectFrom('bills')
        .selectAll()
        .where('state', '=', 'issued')
        .where('checkedAt', '<', now - DAY_MS)
        .where('madeAt', '>', now - recheckDays * DAY_MS)
        .orderBy('checkedAt')
        .limit(RECHECKED_AT_ONCE)
        .execute();
      for (const [period, own] of Map.groupBy(bills, (bill) => bill.period)) {
        const found = await madeNow(own, period);
        for (const bill of own) {
          const made = found.get(bill.householdId)?.made;
          const late = made && differs(bill, made);
          const lateFen = late ? fromFen(totalOf(made) - (toFen(bill.chargeFen) - toFen(bill.subsidyFen))) : null;
          await db.updateTable('bills').set({ checkedAt: now, lateFen }).where('id', '=', bill.id).execute();
        }
      }
    },
  };
}
export type ShownBill = Awaited<ReturnType<ReturnType<typeof createBills>['get']>>;
