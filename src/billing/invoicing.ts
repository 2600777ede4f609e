import type { Database } from '../db/database.ts';
import type { CompanyRow } from '../db/schema.ts';
import { dayBefore, dayOf, startOfDay } from '../lib/calendar.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { ReadingStore } from '../readings/store.ts';
import type { MeterExchanges } from '../terminals/meter-exchanges.ts';
import type { Profile } from '../terminals/profile.ts';
import type { Billing } from './billing.ts';
import { createBills } from './bills.ts';
import type { LateUse } from './late-use.ts';
import { createMakeAnew } from './make-anew.ts';
import { createMeterUse } from './meter-use.ts';
import { createPreparation } from './prepare-bills.ts';
import { createRecheck } from './recheck.ts';
import { createRunStep } from './run-step.ts';
import { type NewRun, startRuns } from './runs.ts';
import { loadTariffs } from './tariff-files.ts';
import { createTerms } from './terms.ts';
import { createUsageCorrections } from './usage-corrections.ts';

/** From use to bills: tariffs, terms, runs and what is owed, put together. */

export interface BillingSettings {
  /** Where tariffs lie. */
  folder: string;
  holdAfterDays: number;
  autoRun: boolean;
  recheckDays: number;
  lowBalanceFen: number;
}

/** Readings of the evening may still come: the day's work begins two hours after midnight. */
const BEGIN_MS = 2 * 3_600_000;

export async function openInvoicing(
  settings: BillingSettings,
  parts: {
    db: Database;
    clock: Clock;
    log: Logger;
    billing: Billing;
    store: ReadingStore;
    meterExchanges: MeterExchanges;
    profiles: ReadonlyMap<string, Profile>;
    lateUse: LateUse;
    gatewayId: string;
  },
) {
  const { db, clock, log, billing, lateUse, gatewayId } = parts;
  const { ledger, arrears, paid } = billing;
  const tariffs = loadTariffs(settings.folder);
  const terms = createTerms({ db, clock, tariffs });
  const prepare = createPreparation({ ...parts, tariffs, meterUse: createMeterUse(parts) });
  const { holdAfterDays, recheckDays } = settings;
  const lowBalanceFen = BigInt(settings.lowBalanceFen);
  const step = createRunStep({ db, clock, ledger, prepare, terms, arrears, paid, holdAfterDays, lowBalanceFen });
  const makeAnew = createMakeAnew({ db, prepare });
  const bills = createBills({ db, clock, ledger, makeAnew });
  const recheck = createRecheck({ db, clock, makeAnew, lateUse, recheckDays });
  const runs = await startRuns({ db, clock, log, gatewayId, step });

  /** The bills of the month before, and the charges of yesterday, of companies that had none of them yet. */
  async function runCalendar(): Promise<void> {
    const now = clock.now();
    if (now < startOfDay(dayOf(now)) + BEGIN_MS) return;
    const yesterday = dayBefore(dayOf(now));
    const lastMonth = dayBefore(`${dayOf(now).slice(0, 7)}-01`);
    for (const company of await db.selectFrom('companies').selectAll().orderBy('id').execute()) {
      const running = (await runs.list(company.id, { limit: 1 })).items[0]?.state === 'running';
      if (running) continue;
      const common = { dryRun: false, by: 'gateway' };
      if (!(await runs.known(company.id, 'monthly', lastMonth))) {
        await start(company, { ...common, kind: 'monthly', period: lastMonth.slice(0, 7) });
      } else if (!(await runs.known(company.id, 'daily', yesterday))) {
        await start(company, { ...common, kind: 'daily', period: yesterday.slice(0, 7) });
      }
    }
  }

  async function start(company: CompanyRow, run: NewRun): Promise<void> {
    const { id } = await db.transaction().execute((transaction) => runs.add(transaction, company, run));
    runs.begin(id, company);
  }

  let stopping = false;
  let tending = Promise.resolve();
  async function turn(): Promise<void> {
    await recheck(() => stopping);
    if (settings.autoRun && !stopping) await runCalendar();
  }

  return {
    tariffs,
    terms,
    bills,
    runs,
    arrears,
    correctUsage: createUsageCorrections(parts),
    /** Work of every minute. */
    tend(): Promise<void> {
      tending = turn();
      return tending;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      stopping = true;
      await tending.catch(() => undefined);
      await runs[Symbol.asyncDispose]();
    },
  };
}
export type Invoicing = Awaited<ReturnType<typeof openInvoicing>>;
