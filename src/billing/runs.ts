import type { Transaction } from 'kysely';
import { counted } from '../db/counted.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { CompanyRow, HouseholdRow, Tables } from '../db/schema.ts';
import type { BillingRunRow, RunKind } from '../db/schema-bills.ts';
import { dayBefore, dayOf, daysOfMonth } from '../lib/calendar.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';
import type { RunStep } from './run-step.ts';

/**
 * Billing runs: the bills of a company's households, some at a time, in the order of their ids. Each part is one transaction with the
 * run's own row, so that a run that was killed goes on behind the last part, and no household is billed twice.
 */

const HOUSEHOLDS_AT_ONCE = 500;

export interface NewRun {
  kind: RunKind;
  period: string;
  dryRun: boolean;
  by: string;
  reason?: string | undefined;
}

/** The last day that a run bills: of a month that is over its last, of daily charges yesterday. */
function throughOf({ kind, period }: NewRun, now: number): string {
  const { from, to } = daysOfMonth(period);
  const last = dayBefore(to);
  const yesterday = dayBefore(dayOf(now));
  const isOver = last <= yesterday;
  if (kind !== 'daily' && !isOver) throw new GatewayError('invalid_request', `${period} is not over`);
  if (from > yesterday) throw new GatewayError('invalid_request', `No day of ${period} is over`);
  return isOver ? last : yesterday;
}

/** Goes on with what was under way. Dispose waits for the part that is being written. */
export async function startRuns(parts: { db: Database; clock: Clock; log: Logger; gatewayId: string; step: RunStep }) {
  const { db, clock, log, gatewayId, step } = parts;
  let stopping = false;
  const atWork = new Set<Promise<void>>();

  const rowOf = (id: string) => db.selectFrom('billingRuns').selectAll().where('id', '=', id).executeTakeFirst();
  const companyOf = (id: string) =>
    db.selectFrom('companies').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

  const nextHouseholds = (run: BillingRunRow): Promise<HouseholdRow[]> =>
    db
      .selectFrom('households')
      .selectAll()
      .where('companyId', '=', run.companyId)
      .where(counted('households'))
      .where('id', '>', run.afterHousehold)
      .orderBy('id')
      .limit(HOUSEHOLDS_AT_ONCE)
      .execute();

  async function finish(id: string, state: BillingRunRow['state'], detail: string | null): Promise<void> {
    await db
      .updateTable('billingRuns')
      .set({ state, detail, finishedAt: clock.now() })
      .where('id', '=', id)
      .where('state', '=', 'running')
      .execute();
  }

  async function work(id: string, company: CompanyRow): Promise<void> {
    for (let run = await rowOf(id); run?.state === 'running' && !stopping; run = await rowOf(id)) {
      const households = await nextHouseholds(run);
      if (households.length === 0) await finish(id, 'done', null);
      else await step(run, company, households);
    }
  }

  function begin(id: string, company: CompanyRow): void {
    const done = work(id, company)
      .catch(async (error: unknown) => {
        log.error({ err: error, run: id }, 'billing: a run failed');
        await finish(id, 'failed', error instanceof Error ? error.message : String(error));
      })
      .catch((error: unknown) => log.error({ err: error, run: id }, 'billing: a failed run could not be noted'))
      .finally(() => atWork.delete(done));
    atWork.add(done);
  }

  async function get(id: string): Promise<BillingRunRow> {
    const row = await rowOf(id);
    if (!row) throw new GatewayError('not_found');
    return row;
  }

  const left = await db
    .selectFrom('billingRuns')
    .selectAll()
    .where('state', '=', 'running')
    .where('gatewayId', '=', gatewayId)
    .execute();
  for (const run of left) begin(run.id, await companyOf(run.companyId));

  return {
    /** A run's row. Throws when the period is not over, or another run of the company is under way. */
    async add(transaction: Transaction<Tables>, company: CompanyRow, request: NewRun): Promise<BillingRunRow> {
      const { households } = await transaction
        .selectFrom('households')
        .select((row) => row.fn.countAll<number | string>().as('households'))
        .where('companyId', '=', company.id)
        .where(counted('households'))
        .executeTakeFirstOrThrow();
      const run: BillingRunRow = {
        id: newId('run'),
        kind: request.kind,
        companyId: company.id,
        period: request.period,
        through: throughOf(request, clock.now()),
        dryRun: request.dryRun ? 1 : 0,
        state: 'running',
        gatewayId,
        requestedBy: request.by,
        reason: request.reason ?? null,
        createdAt: clock.now(),
        finishedAt: null,
        afterHousehold: '',
        households: Number(households),
        seen: 0,
        made: 0,
        held: 0,
        unchanged: 0,
        failed: 0,
        amountFen: 0,
        detail: null,
      };
      const { numInsertedOrUpdatedRows } = await transaction
        .insertInto('billingRuns')
        .values(run)
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 0n)
        throw new GatewayError('wrong_state', 'Another run of the company is under way');
      return run;
    },

    /** Once it is committed. */
    begin,

    get,

    /** The newest first. */
    async list(companyId: string | undefined, { limit, cursor }: Page) {
      const rows = await db
        .selectFrom('billingRuns')
        .selectAll()
        .$if(companyId !== undefined, (query) => query.where('companyId', '=', companyId ?? ''))
        .$if(cursor !== undefined, (query) => query.where('id', '<', cursor ?? ''))
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(rows, limit);
    },

    /** What was billed stays. */
    async cancel(id: string): Promise<BillingRunRow> {
      await finish(id, 'cancelled', null);
      const run = await get(id);
      if (run.state !== 'cancelled') throw new GatewayError('wrong_state', `The run is ${run.state}`);
      return run;
    },

    /** In the order of households. */
    async troubles(runId: string, { limit, cursor }: Page) {
      const rows = await db
        .selectFrom('billingTroubles')
        .innerJoin('households', 'households.id', 'billingTroubles.householdId')
        .selectAll('billingTroubles')
        .select(['households.accountNo', 'households.name'])
        .where('runId', '=', runId)
        .$if(cursor !== undefined, (query) => query.where('billingTroubles.id', '>', cursor ?? ''))
        .orderBy('billingTroubles.id')
        .limit(limit + 1)
        .execute();
      return pageOf(rows, limit);
    },

    /** Whether a company has had such a run that was no dry one. */
    async known(companyId: string, kind: RunKind, through: string): Promise<boolean> {
      const row = await db
        .selectFrom('billingRuns')
        .select('id')
        .where('companyId', '=', companyId)
        .where('kind', '=', kind)
        .where('through', '=', through)
        .where('dryRun', '=', 0)
        .executeTakeFirst();
      return row !== undefined;
    },

    async [Symbol.asyncDispose](): Promise<void> {
      stopping = true;
      await Promise.all(atWork);
    },
  };
}
