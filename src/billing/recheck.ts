import type { Database } from '../db/database.ts';
import type { BillRow, LateUseRow } from '../db/schema-bills.ts';
import { dayOf } from '../lib/calendar.ts';
import type { Clock } from '../lib/clock.ts';
import { type Fen, fromFen, toFen } from '../lib/money.ts';
import type { LateUse } from './late-use.ts';
import type { MadeNow, MakeAnew } from './make-anew.ts';
import { differs, totalOf } from './run-step.ts';

/** Bills are compared with what they would be now. Nothing is changed by it but what a bill shows: people, or a run, make it anew. */

const DAY_MS = 86_400_000;
/** Terminals of which something came late, looked at together, and how many times in a turn. */
const LATE_AT_ONCE = 500;
const MOST_A_TURN = 20;
/** Of all others, as a tariff may have been changed. */
const OTHERS_A_TURN = 50;

/** By how much a bill would be another; undefined when it would be the same. */
function lateOf(bill: BillRow, now: MadeNow | undefined): Fen | undefined {
  if (!now || !differs(bill, now.made)) return undefined;
  return totalOf(now.made) - (toFen(bill.chargeFen) - toFen(bill.subsidyFen));
}

export function createRecheck(parts: {
  db: Database;
  clock: Clock;
  makeAnew: MakeAnew;
  lateUse: LateUse;
  recheckDays: number;
}) {
  const { db, clock, makeAnew, lateUse, recheckDays } = parts;

  const issued = () =>
    db
      .selectFrom('bills')
      .selectAll('bills')
      .where('bills.state', '=', 'issued')
      .where('bills.madeAt', '>', clock.now() - recheckDays * DAY_MS);

  async function compare(bills: BillRow[]): Promise<void> {
    const late = new Map<string, Fen>();
    for (const [period, own] of Map.groupBy(bills, (bill) => bill.period)) {
      const made = await makeAnew(own, period);
      for (const bill of own) {
        const lateFen = lateOf(bill, made.get(bill.householdId));
        if (lateFen !== undefined) late.set(bill.id, lateFen);
      }
    }
    const checkedAt = clock.now();
    await db.transaction().execute(async (transaction) => {
      const set = (ids: string[], lateFen: number | null) =>
        transaction
          .updateTable('bills')
          .set({ checkedAt, lateFen })
          .where('id', 'in', ids)
          .where('state', '=', 'issued')
          .execute();
      const same = bills.map(({ id }) => id).filter((id) => !late.has(id));
      if (same.length > 0) await set(same, null);
      for (const [id, lateFen] of late) await set([id], fromFen(lateFen));
    });
  }

  /** The bills of days on which something came late. */
  async function billsOf(late: LateUseRow[]): Promise<BillRow[]> {
    const fromOf = new Map<string, string>();
    const terminals = await db
      .selectFrom('terminals')
      .select(['id', 'householdId'])
      .where(
        'id',
        'in',
        late.map(({ terminalId }) => terminalId),
      )
      .execute();
    const householdOf = new Map(terminals.map(({ id, householdId }) => [id, householdId]));
    for (const { terminalId, fromTime } of late) {
      const householdId = householdOf.get(terminalId);
      const from = dayOf(fromTime);
      if (householdId && from < (fromOf.get(householdId) ?? '9')) fromOf.set(householdId, from);
    }
    if (fromOf.size === 0) return [];
    const bills = await issued()
      .where('householdId', 'in', [...fromOf.keys()])
      .execute();
    return bills.filter(({ householdId, lastDay }) => lastDay >= (fromOf.get(householdId) ?? ''));
  }

  async function recheckLate(isStopping: () => boolean): Promise<void> {
    for (let turn = 0; turn < MOST_A_TURN && !isStopping(); turn += 1) {
      const late = await lateUse.due(LATE_AT_ONCE);
      if (late.length === 0) return;
      await compare(await billsOf(late));
      await lateUse.forget(late);
    }
  }

  /** Those first that were not looked at for longest, each at most once a day. */
  async function recheckOthers(): Promise<void> {
    const checkedBefore = clock.now() - DAY_MS;
    const bills = await issued()
      .where('checkedAt', '<', checkedBefore)
      .orderBy('checkedAt')
      .limit(OTHERS_A_TURN)
      .execute();
    if (bills.length > 0) await compare(bills);
  }

  return async (isStopping: () => boolean): Promise<void> => {
    await recheckLate(isStopping);
    if (!isStopping()) await recheckOthers();
  };
}
