import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import { type Caller, visibleHouseholds } from '../areas/scope.ts';
import type { StatementQuery } from '../billing/deposit-moves.ts';
import type { Database } from '../db/database.ts';
import { dayOf, OFFSET_MS } from '../lib/calendar.ts';
import { type Fen, toFen } from '../lib/money.ts';

/**
 * What came in over some time, by company and method; and what of it, or of earlier payments and deposits, was given back in that time. The
 * net of a clerk's cash is what the till holds more than before.
 */

/** What else there is a line for. */
export const TAKINGS_BY = ['clerk', 'area', 'day'] as const;
export type TakingsBy = (typeof TAKINGS_BY)[number];

export interface TakingsQuery extends StatementQuery {
  by: TakingsBy;
  method?: string | undefined;
  receivedBy?: string | undefined;
}

export interface Sums {
  count: number;
  amountFen: Fen;
  givenBackCount: number;
  givenBackFen: Fen;
}

export interface Taking extends Sums {
  companyId: string;
  companyName: string;
  method: string;
  /** The clerk, who also gave back; for a provider, the provider. Null when it is not what was asked for, as the next two. */
  receivedBy: string | null;
  /** Of the household. */
  areaCode: string | null;
  /** `2026-11-24` in Asia/Shanghai. */
  date: string | null;
}

const NOTHING = { count: 0, amountFen: 0n, givenBackCount: 0, givenBackFen: 0n };
const DAY_MS = 86_400_000;
const AT_ONCE_MS = 31 * DAY_MS;

/** Everything that came in or was given back from one time to another: whose, how, by whom and when. Each part is found by an index of its own. */
const moves = (db: Database, { from, to }: StatementQuery) =>
  db
    .selectFrom('payments')
    .where('receivedAt', '>=', from)
    .where('receivedAt', '<', to)
    .select(['householdId', 'companyId', 'method', 'receivedBy as by', 'receivedAt as at', 'amountFen'])
    .select(sql<number>`0`.as('back'))
    .unionAll(
      db
        .selectFrom('transfers as reversal')
        .innerJoin('payments', 'payments.transferId', 'reversal.reverses')
        .where('reversal.reverses', 'is not', null)
        .where('reversal.at', '>=', from)
        .where('reversal.at', '<', to)
        .select(['payments.householdId', 'payments.companyId', 'payments.method', 'reversal.byName as by'])
        .select(['reversal.at', 'payments.amountFen', sql<number>`1`.as('back')]),
    )
    .unionAll(
      db
        .selectFrom('paymentRefunds as refund')
        .innerJoin('paymentOrders as order', 'order.id', 'refund.orderId')
        .where('refund.state', '=', 'done')
        .where('refund.doneAt', '>=', from)
        .where('refund.doneAt', '<', to)
        .select(['order.householdId', 'order.companyId', 'refund.provider as method', 'refund.provider as by'])
        .select([sql<number>`refund.done_at`.as('at'), 'refund.amountFen', sql<number>`1`.as('back')]),
    )
    .unionAll(
      // Out of the till, or from the bank.
      db
        .selectFrom('transfers')
        .innerJoin('entries', 'entries.transferId', 'transfers.id')
        .innerJoin('accounts', 'accounts.id', 'entries.credit')
        .where('transfers.kind', '=', 'deposit_refund')
        .where('transfers.phase', '=', 'posted')
        .where('transfers.at', '>=', from)
        .where('transfers.at', '<', to)
        .select([sql<string>`transfers.household_id`.as('householdId'), 'transfers.companyId'])
        .select(sql<string>`case accounts.kind when 'cash' then 'cash' else 'transfer' end`.as('method'))
        .select(['transfers.byName as by', 'transfers.at', 'entries.amountFen', sql<number>`1`.as('back')]),
    );

/** The day's number. Written out: a parameter in it would be another each time it stands in the statement. */
const KEYS = {
  clerk: sql<string | number>`moves.by`,
  area: sql<string | number>`households.area_code`,
  day: sql<string | number>`(moves.at + ${sql.lit(OFFSET_MS)}) / ${sql.lit(DAY_MS)}`,
};

const keyColumns = (by: TakingsBy, key: string) => ({
  receivedBy: by === 'clerk' ? key : null,
  areaCode: by === 'area' ? key : null,
  date: by === 'day' ? dayOf(Number(key) * DAY_MS) : null,
});

function sums(db: Database, caller: Caller, query: TakingsQuery) {
  const { companyId, areaCode, by, method, receivedBy } = query;
  const key = KEYS[by];
  return db
    .selectFrom(moves(db, query).as('moves'))
    .innerJoin('households', 'households.id', 'moves.householdId')
    .innerJoin('companies', 'companies.id', 'moves.companyId')
    .where(visibleHouseholds(caller))
    .$if(companyId !== undefined, (found) => found.where('moves.companyId', '=', companyId ?? ''))
    .$if(areaCode !== undefined, (found) => found.where('households.areaCode', 'like', `${areaCode}%`))
    .$if(method !== undefined, (found) => found.where('moves.method', '=', method ?? ''))
    .$if(receivedBy !== undefined, (found) => found.where('moves.by', '=', receivedBy ?? ''))
    .select(['moves.companyId', 'companies.name as companyName', 'moves.method', 'moves.back', key.as('key')])
    .select((row) => row.fn.countAll<number | string>().as('count'))
    .select((row) => row.fn.sum<number | string>('moves.amountFen').as('sum'))
    .groupBy(['moves.companyId', 'companies.name', 'moves.method', 'moves.back', key])
    .execute();
}

/** When the first money moved: reversals and refunds come after a payment, a deposit may have been brought along from other books. */
async function firstMove(db: Database): Promise<number> {
  const { first } = await db
    .selectFrom('payments')
    .select((row) => row.fn.min<number | string | null>('receivedAt').as('first'))
    .executeTakeFirstOrThrow();
  const { refunded } = await db
    .selectFrom('transfers')
    .where('kind', '=', 'deposit_refund')
    .select((row) => row.fn.min<number | string | null>('at').as('refunded'))
    .executeTakeFirstOrThrow();
  return Math.min(Number(first ?? Infinity), Number(refunded ?? Infinity));
}

/** A part of the time after the other, so that a year keeps nobody waiting. */
async function* sumsByParts(db: Database, caller: Caller, query: TakingsQuery, now: number) {
  const to = Math.min(query.to, now + 1);
  for (let from = Math.max(query.from, await firstMove(db)); from < to; from += AT_ONCE_MS) {
    yield* await sums(db, caller, { ...query, from, to: Math.min(from + AT_ONCE_MS, to) });
    await nextTurn();
  }
}

export async function takingsOf(db: Database, caller: Caller, query: TakingsQuery, now: number): Promise<Taking[]> {
  const takings = new Map<string, Taking>();
  for await (const { companyId, companyName, method, key, back, count, sum } of sumsByParts(db, caller, query, now)) {
    const columns = keyColumns(query.by, String(key));
    const { date, areaCode, receivedBy } = columns;
    const order = JSON.stringify([companyName, companyId, date, areaCode, method, receivedBy]);
    const taking = takings.get(order) ?? { companyId, companyName, method, ...columns, ...NOTHING };
    takings.set(order, taking);
    const [counted, fen] =
      back === 1 ? (['givenBackCount', 'givenBackFen'] as const) : (['count', 'amountFen'] as const);
    taking[counted] += Number(count);
    taking[fen] += toFen(sum);
  }
  return [...takings].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, taking]) => taking);
}

export function totalOf(takings: readonly Sums[]): Sums {
  const total: Sums = { ...NOTHING };
  for (const { count, amountFen, givenBackCount, givenBackFen } of takings) {
    total.count += count;
    total.amountFen += amountFen;
    total.givenBackCount += givenBackCount;
    total.givenBackFen += givenBackFen;
  }
  return total;
}
