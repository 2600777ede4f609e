import type { Transaction } from 'kysely';
import type { HouseholdRow, Tables } from '../db/schema.ts';
import type { BillRow, DailyChargeRow } from '../db/schema-bills.ts';
import { chunksOf } from '../lib/chunks.ts';
import { newId } from '../lib/ids.ts';
import { type Fen, fromFen, toFen } from '../lib/money.ts';
import { companyAccount, householdAccount } from './accounts.ts';
import type { Ledger, Line, Posting } from './ledger.ts';
import type { MadeBill } from './make-bill.ts';
import { keptDays } from './meter-use.ts';

/**
 * Bills become rows and entries of the ledger. Whatever was charged for a period before, by a bill that is replaced or day by day, only
 * the difference is posted.
 */

export interface Draft {
  household: HouseholdRow;
  period: string;
  firstDay: string;
  lastDay: string;
  made: MadeBill;
  /** Held bills wait for a person, and move no money. */
  held: boolean;
  replaces?: BillRow;
  reason?: string | undefined;
}

export interface Act {
  at: number;
  by: string;
  runId?: string | undefined;
}

interface Charged {
  chargeFen: Fen;
  subsidyFen: Fen;
}

const ROWS_AT_ONCE = 200;

/** From one account to another, and back when it is below zero. */
function moved(debit: Line['debit'], credit: Line['credit'], amountFen: Fen): Line[] {
  if (amountFen === 0n) return [];
  return amountFen > 0n ? [{ debit, credit, amountFen }] : [{ debit: credit, credit: debit, amountFen: -amountFen }];
}

/** The household pays the company's charge; the county owes the company the subsidy, which the household has. */
function linesFor({ id, companyId }: HouseholdRow, { chargeFen, subsidyFen }: Charged): Line[] {
  const heating = householdAccount({ id, companyId }, 'heating');
  return [
    ...moved(heating, companyAccount(companyId, 'revenue'), chargeFen),
    ...moved(companyAccount(companyId, 'subsidy_due'), heating, subsidyFen),
  ];
}

/** What households were charged for a period so far. */
async function chargedFor(
  transaction: Transaction<Tables>,
  ids: string[],
  period: string,
): Promise<Map<string, Charged>> {
  const sums = new Map<string, Charged>();
  const add = (rows: { householdId: string; charge: number | string; subsidy: number | string }[]) => {
    for (const { householdId, charge, subsidy } of rows) {
      const { chargeFen, subsidyFen } = sums.get(householdId) ?? { chargeFen: 0n, subsidyFen: 0n };
      sums.set(householdId, { chargeFen: chargeFen + toFen(charge), subsidyFen: subsidyFen + toFen(subsidy) });
    }
  };
  add(
    await transaction
      .selectFrom('bills')
      .select((row) => [
        'householdId',
        row.fn.sum<number | string>('postedChargeFen').as('charge'),
        row.fn.sum<number | string>('postedSubsidyFen').as('subsidy'),
      ])
      .where('householdId', 'in', ids)
      .where('period', '=', period)
      .groupBy('householdId')
      .execute(),
  );
  add(
    await transaction
      .selectFrom('dailyCharges')
      .select((row) => [
        'householdId',
        row.fn.sum<number | string>('chargeFen').as('charge'),
        row.fn.sum<number | string>('subsidyFen').as('subsidy'),
      ])
      .where('householdId', 'in', ids)
      .where('period', '=', period)
      .groupBy('householdId')
      .execute(),
  );
  return sums;
}

const differenceTo = ({ chargeFen, subsidyFen }: Charged, charged: Charged | undefined): Charged => ({
  chargeFen: chargeFen - (charged?.chargeFen ?? 0n),
  subsidyFen: subsidyFen - (charged?.subsidyFen ?? 0n),
});

/** Whether a bill gives back what was charged for its period before: for its household that is as good as a payment. */
export const givesBack = (row: Pick<BillRow, 'postedChargeFen' | 'postedSubsidyFen'>): boolean =>
  row.postedChargeFen < row.postedSubsidyFen;

const postingOf = (row: BillRow, household: HouseholdRow): Posting => ({
  id: row.id,
  kind: 'bill',
  companyId: row.companyId,
  householdId: row.householdId,
  at: row.madeAt,
  by: row.madeBy,
  reference: row.period,
  ...(row.reason !== null && { reason: row.reason }),
  lines: linesFor(household, { chargeFen: toFen(row.postedChargeFen), subsidyFen: toFen(row.postedSubsidyFen) }),
});

function rowOf(
  { household, period, firstDay, lastDay, made, held, replaces, reason }: Draft,
  act: Act,
  posted: Charged,
): BillRow {
  return {
    id: newId('bill'),
    householdId: household.id,
    companyId: household.companyId,
    period,
    firstDay,
    lastDay,
    state: held ? 'held' : 'issued',
    runId: act.runId ?? null,
    replaces: replaces?.id ?? null,
    reason: reason ?? null,
    chargeFen: fromFen(made.chargeFen),
    subsidyFen: fromFen(made.subsidyFen),
    postedChargeFen: held ? 0 : fromFen(posted.chargeFen),
    postedSubsidyFen: held ? 0 : fromFen(posted.subsidyFen),
    doubtfulDays: made.doubtfulDays,
    lines: JSON.stringify(made.lines),
    madeAt: act.at,
    madeBy: act.by,
    checkedAt: act.at,
    lateFen: null,
  };
}

const usageOf = (billId: string, { usage }: MadeBill) =>
  usage
    .filter(({ days }) => days.length > 0)
    .map(({ terminalId, metric, days }) => ({ billId, terminalId, metric, ...keptDays(days) }));

const lockHouseholds = (transaction: Transaction<Tables>, ledger: Ledger, households: HouseholdRow[]) =>
  ledger.lock(
    transaction,
    households.map(({ id, companyId }) => householdAccount({ id, companyId }, 'heating')),
  );

/** Those that a period of a household has already are left out: the rows that are given are new. All drafts are of one period. */
export async function issueBills(
  transaction: Transaction<Tables>,
  ledger: Ledger,
  drafts: Draft[],
  act: Act,
): Promise<BillRow[]> {
  const [first] = drafts;
  if (!first) return [];
  await lockHouseholds(
    transaction,
    ledger,
    drafts.map(({ household }) => household),
  );
  const charged = await chargedFor(
    transaction,
    drafts.map(({ household }) => household.id),
    first.period,
  );
  const replaced = drafts.flatMap(({ replaces }) => (replaces ? [replaces.id] : []));
  if (replaced.length > 0) {
    await transaction
      .updateTable('bills')
      .set({ state: 'replaced', lateFen: null })
      .where('id', 'in', replaced)
      .execute();
  }
  const rows = drafts.map((draft) => ({
    draft,
    row: rowOf(draft, act, differenceTo(draft.made, charged.get(draft.household.id))),
  }));
  const written = new Set<string>();
  for (const some of chunksOf(rows, ROWS_AT_ONCE)) {
    const ids = await transaction
      .insertInto('bills')
      .values(some.map(({ row }) => row))
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .execute();
    for (const { id } of ids) written.add(id);
  }
  const fresh = rows.filter(({ row }) => written.has(row.id));
  const usage = fresh.flatMap(({ row, draft }) => usageOf(row.id, draft.made));
  for (const some of chunksOf(usage, ROWS_AT_ONCE)) await transaction.insertInto('billUsage').values(some).execute();
  const postings = fresh
    .map(({ row, draft }) => postingOf(row, draft.household))
    .filter(({ lines }) => lines.length > 0);
  if (postings.length > 0) await ledger.postAll(transaction, postings);
  return fresh.map(({ row }) => row);
}

/** A held bill is issued as it is. */
export async function releaseBill(
  transaction: Transaction<Tables>,
  ledger: Ledger,
  {
    bill,
    household,
    at,
    by,
    reason,
  }: { bill: BillRow; household: HouseholdRow; at: number; by: string; reason: string },
): Promise<BillRow> {
  await lockHouseholds(transaction, ledger, [household]);
  const charged = await chargedFor(transaction, [household.id], bill.period);
  const made = { chargeFen: toFen(bill.chargeFen), subsidyFen: toFen(bill.subsidyFen) };
  const posted = differenceTo(made, charged.get(household.id));
  const row: BillRow = {
    ...bill,
    state: 'issued',
    reason,
    postedChargeFen: fromFen(posted.chargeFen),
    postedSubsidyFen: fromFen(posted.subsidyFen),
  };
  const { state, postedChargeFen, postedSubsidyFen } = row;
  await transaction
    .updateTable('bills')
    .set({ state, reason, postedChargeFen, postedSubsidyFen })
    .where('id', '=', bill.id)
    .execute();
  const posting = { ...postingOf(row, household), at, by };
  if (posting.lines.length > 0) await ledger.post(transaction, posting);
  return row;
}

/** The use of a month so far, less what was charged of it. Nothing for a day that was charged, or when nothing more was used. */
export async function chargeDays(
  transaction: Transaction<Tables>,
  ledger: Ledger,
  drafts: Draft[],
  { at, by }: Act,
): Promise<DailyChargeRow[]> {
  const [first] = drafts;
  if (!first) return [];
  await lockHouseholds(
    transaction,
    ledger,
    drafts.map(({ household }) => household),
  );
  const charged = await chargedFor(
    transaction,
    drafts.map(({ household }) => household.id),
    first.period,
  );
  const rows = drafts.map(({ household, period, lastDay, made }): DailyChargeRow => {
    const difference = differenceTo(made, charged.get(household.id));
    return {
      householdId: household.id,
      day: lastDay,
      period,
      chargeFen: fromFen(difference.chargeFen),
      subsidyFen: fromFen(difference.subsidyFen),
      chargedAt: at,
    };
  });
  const written = await transaction
    .insertInto('dailyCharges')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .returning('householdId')
    .execute();
  const fresh = new Set(written.map(({ householdId }) => householdId));
  const postings = drafts.flatMap(({ household, lastDay }, index): Posting[] => {
    const row = rows[index];
    if (!row || !fresh.has(household.id)) return [];
    const lines = linesFor(household, { chargeFen: toFen(row.chargeFen), subsidyFen: toFen(row.subsidyFen) });
    const { id, companyId } = household;
    return lines.length === 0
      ? []
      : [{ id: `${id}:${lastDay}`, kind: 'bill', companyId, householdId: id, at, by, reference: lastDay, lines }];
  });
  if (postings.length > 0) await ledger.postAll(transaction, postings);
  return rows.filter(({ householdId }) => fresh.has(householdId));
}
