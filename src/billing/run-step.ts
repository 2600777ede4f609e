import type { Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import type { CompanyRow, HouseholdRow, Tables } from '../db/schema.ts';
import type { BillingRunRow, BillingTroubleRow, BillRow } from '../db/schema-bills.ts';
import { daysOfMonth } from '../lib/calendar.ts';
import { chunksOf } from '../lib/chunks.ts';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { type Fen, fromFen, toFen } from '../lib/money.ts';
import type { Arrears } from './arrears.ts';
import { chargeDays, type Draft, givesBack, issueBills } from './issue-bills.ts';
import type { Ledger } from './ledger.ts';
import type { MadeBill } from './make-bill.ts';
import type { PrepareBills, Prepared } from './prepare-bills.ts';
import type { Mode, Terms } from './terms.ts';

/** A step of a run: what some households need is read and their bills made; then they are written and counted, a part in each transaction. */

const WRITTEN_AT_ONCE = 50;

interface Written {
  made: number;
  held: number;
  amountFen: Fen;
  /** Households whose bill gives back what they were charged before. */
  givenBack: string[];
}

/** What a part comes to; with a dry run nothing more happens. */
interface Outcome {
  drafts: Draft[];
  troubles: BillingTroubleRow[];
  unchanged: number;
}

export const totalOf = ({ chargeFen, subsidyFen }: Pick<MadeBill, 'chargeFen' | 'subsidyFen'>): Fen =>
  chargeFen - subsidyFen;

/** Whether a bill would be another if it were made now. */
export const differs = (bill: Pick<BillRow, 'chargeFen' | 'subsidyFen'>, made: MadeBill): boolean =>
  toFen(bill.chargeFen) !== made.chargeFen || toFen(bill.subsidyFen) !== made.subsidyFen;

export function createRunStep(parts: {
  db: Database;
  clock: Clock;
  ledger: Ledger;
  prepare: PrepareBills;
  terms: Terms;
  arrears: Arrears;
  /** What follows when a household owes less, and that is committed. */
  paid: (householdId: string) => Promise<void>;
  holdAfterDays: number;
  lowBalanceFen: Fen;
}) {
  const { db, clock, ledger, prepare, terms, arrears, paid, holdAfterDays, lowBalanceFen } = parts;

  async function currentBills(ids: string[], period: string): Promise<Map<string, BillRow>> {
    const rows = await db
      .selectFrom('bills')
      .selectAll()
      .where('householdId', 'in', ids)
      .where('period', '=', period)
      .where('state', '<>', 'replaced')
      .execute();
    return new Map(rows.map((row) => [row.householdId, row]));
  }

  /** Whose turn it is: who has no bill yet, who has one that may be another now, or who pays beforehand. */
  function concerned(
    run: BillingRunRow,
    households: HouseholdRow[],
    bills: ReadonlyMap<string, BillRow>,
    modes: ReadonlyMap<string, Mode>,
  ): HouseholdRow[] {
    switch (run.kind) {
      case 'monthly':
        return households.filter(({ id }) => !bills.has(id));
      case 'rebill':
        return households.filter(({ id }) => bills.get(id)?.state === 'issued');
      case 'daily':
        return households.filter(({ id }) => !bills.has(id) && modes.get(id)?.mode === 'prepaid');
    }
  }

  function draftOf(
    run: BillingRunRow,
    household: HouseholdRow,
    prepared: Exclude<Prepared, { trouble: unknown }>,
  ): Draft {
    const { made, firstDay } = prepared;
    const held = run.kind === 'monthly' && made.doubtfulDays > holdAfterDays;
    const { period, through, reason } = run;
    return { household, period, firstDay, lastDay: through, made, held, ...(reason !== null && { reason }) };
  }

  function judge(
    run: BillingRunRow,
    households: HouseholdRow[],
    prepared: ReadonlyMap<string, Prepared>,
    bills: ReadonlyMap<string, BillRow>,
  ): Outcome {
    const outcome: Outcome = { drafts: [], troubles: [], unchanged: 0 };
    for (const household of households) {
      const one = prepared.get(household.id);
      if (!one) {
        outcome.unchanged += 1;
        continue;
      }
      if ('trouble' in one) {
        outcome.troubles.push({ id: newId('trb'), runId: run.id, householdId: household.id, ...one.trouble });
        continue;
      }
      const before = bills.get(household.id);
      const draft = draftOf(run, household, one);
      if (!before) outcome.drafts.push(draft);
      else if (differs(before, one.made)) outcome.drafts.push({ ...draft, replaces: before });
      else outcome.unchanged += 1;
    }
    return outcome;
  }

  /** By how much more households owe than before. */
  const amountOf = (drafts: Draft[]): Fen =>
    drafts.reduce((sum, { made, held, replaces }) => {
      const before = replaces ? toFen(replaces.chargeFen) - toFen(replaces.subsidyFen) : 0n;
      return held ? sum : sum + totalOf(made) - before;
    }, 0n);

  const countedDry = (drafts: Draft[]): Written => ({
    made: drafts.filter(({ held }) => !held).length,
    held: drafts.filter(({ held }) => held).length,
    amountFen: amountOf(drafts),
    givenBack: [],
  });

  async function write(
    transaction: Transaction<Tables>,
    run: BillingRunRow,
    drafts: Draft[],
    modes: ReadonlyMap<string, Mode>,
  ): Promise<Written> {
    const act = { at: clock.now(), by: run.requestedBy, runId: run.id };
    if (run.kind === 'daily') {
      const rows = await chargeDays(transaction, ledger, drafts, act);
      await arrears.review(
        transaction,
        drafts.map(({ household }) => household),
        modes,
        lowBalanceFen,
      );
      const amountFen = rows.reduce((sum, { chargeFen, subsidyFen }) => sum + toFen(chargeFen) - toFen(subsidyFen), 0n);
      return { made: rows.length, held: 0, amountFen, givenBack: [] };
    }
    const rows = await issueBills(transaction, ledger, drafts, act);
    const amountFen = rows.reduce((sum, row) => sum + toFen(row.postedChargeFen) - toFen(row.postedSubsidyFen), 0n);
    const held = rows.filter(({ state }) => state === 'held').length;
    const givenBack = rows.filter(givesBack).map(({ householdId }) => householdId);
    return { made: rows.length - held, held, amountFen, givenBack };
  }

  /** One transaction. Nothing is written, and nothing given, when somebody else has brought the run further, or ended it. */
  function writePart(
    run: BillingRunRow,
    part: HouseholdRow[],
    { drafts, troubles, unchanged }: Outcome,
    modes: ReadonlyMap<string, Mode>,
  ): Promise<{ run: BillingRunRow; givenBack: string[] } | undefined> {
    return db.transaction().execute(async (transaction) => {
      const afterHousehold = part.at(-1)?.id ?? run.afterHousehold;
      const { numUpdatedRows } = await transaction
        .updateTable('billingRuns')
        .set({ afterHousehold })
        .where('id', '=', run.id)
        .where('state', '=', 'running')
        .where('afterHousehold', '=', run.afterHousehold)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) return undefined;
      const counted = run.dryRun === 1 ? countedDry(drafts) : await write(transaction, run, drafts, modes);
      if (troubles.length > 0) await transaction.insertInto('billingTroubles').values(troubles).execute();
      const others = drafts.length - counted.made - counted.held;
      const counts = {
        seen: run.seen + part.length,
        made: run.made + counted.made,
        held: run.held + counted.held,
        unchanged: run.unchanged + unchanged + others,
        failed: run.failed + troubles.length,
        amountFen: run.amountFen + fromFen(counted.amountFen),
      };
      await transaction.updateTable('billingRuns').set(counts).where('id', '=', run.id).execute();
      return { run: { ...run, afterHousehold, ...counts }, givenBack: counted.givenBack };
    });
  }

  /** Reads what many households need at once, and writes it in parts, so that nobody waits long for a transaction's end. */
  return async function step(run: BillingRunRow, company: CompanyRow, households: HouseholdRow[]): Promise<void> {
    const bills = await currentBills(
      households.map(({ id }) => id),
      run.period,
    );
    const modes = await terms.modesOn(households, run.through);
    const span = { from: daysOfMonth(run.period).from, through: run.through };
    const prepared = await prepare(concerned(run, households, bills, modes), { companyName: company.name, ...span });
    let at = run;
    for (const part of chunksOf(households, WRITTEN_AT_ONCE)) {
      const written = await writePart(at, part, judge(at, part, prepared, bills), modes);
      if (!written) return;
      at = written.run;
      for (const householdId of written.givenBack) await paid(householdId);
    }
  };
}
export type RunStep = ReturnType<typeof createRunStep>;
