import type { Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import type { ReconciliationRow } from '../db/schema-orders.ts';
import { dayOf, startOfDay } from '../lib/calendar.ts';
import { chunksOf } from '../lib/chunks.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';
import { fromFen } from '../lib/money.ts';
import { companyAccount } from './accounts.ts';
import type { Differences } from './differences.ts';
import type { Ledger } from './ledger.ts';
import type { ProviderName, StatementLine } from './providers/provider.ts';
import type { Providers } from './providers/providers.ts';
import { clearingOf } from './settlement.ts';
import { compare, type Difference, type Matched, type Ours } from './statement.ts';

/** 对账: a provider's statement of a day beside our orders and refunds. What differs waits until a person explains it. */

const DAY_MS = 86_400_000;
const RUNNING_MS = 600_000;
const RETRY_MS = 3_600_000;
/** Days before yesterday that are made up for after the gateway stood still. */
const DAYS_BACK = 7;
const ROWS_AT_ONCE = 500;

export function createReconciliation(parts: {
  db: Database;
  clock: Clock;
  log: Logger;
  ledger: Ledger;
  providers: Providers;
  differences: Differences;
  reconcileHour: number;
}) {
  const { db, clock, log, ledger, providers, differences: noted, reconcileHour } = parts;

  /** Only one gateway gets a day, and again only when it failed a while ago or died over it. Undefined when it is another's. */
  async function claim(provider: ProviderName, date: string, again: boolean): Promise<string | undefined> {
    const now = clock.now();
    const sums = { lineCount: 0, paidFen: 0, refundedFen: 0, feeFen: 0 };
    const row: ReconciliationRow = {
      id: newId('rec'),
      provider,
      date,
      state: 'running',
      startedAt: now,
      finishedAt: null,
      ...sums,
      detail: null,
    };
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('reconciliations')
      .values(row)
      .onConflict((conflict) => conflict.columns(['provider', 'date']).doNothing())
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows === 1n) return row.id;
    const taken = await db
      .updateTable('reconciliations')
      .set({ state: 'running', startedAt: now })
      .where('provider', '=', provider)
      .where('date', '=', date)
      .where((is) =>
        is.or([
          is.and([is('state', '=', 'running'), is('startedAt', '<', now - RUNNING_MS)]),
          is.and([is('state', '=', 'failed'), is('startedAt', '<', again ? now + 1 : now - RETRY_MS)]),
          ...(again ? [is('state', '=', 'done')] : []),
        ]),
      )
      .returning('id')
      .executeTakeFirst();
    return taken?.id;
  }

  /** What we have of that day, and whatever the statement names of other days. */
  async function oursOf(provider: ProviderName, date: string, lines: StatementLine[]): Promise<Ours> {
    const from = startOfDay(date);
    const to = from + DAY_MS;
    const orders = new Map<string, Ours['orders'][number]>();
    const refunds = new Map<string, Ours['refunds'][number]>();
    const orderRows = db.selectFrom('paymentOrders').selectAll().where('provider', '=', provider);
    const refundRows = db.selectFrom('paymentRefunds').selectAll().where('provider', '=', provider);
    for (const row of await orderRows.where('paidAt', '>=', from).where('paidAt', '<', to).execute())
      orders.set(row.id, row);
    for (const row of await refundRows.where('doneAt', '>=', from).where('doneAt', '<', to).execute()) {
      refunds.set(row.refundNo, row);
    }
    for (const some of chunksOf(lines, ROWS_AT_ONCE)) {
      const ids = some.map(({ orderId }) => orderId);
      for (const row of await orderRows.where('id', 'in', ids).execute()) orders.set(row.id, row);
      const numbers = some.flatMap(({ refundId }) => refundId ?? []);
      if (numbers.length === 0) continue;
      for (const row of await refundRows.where('refundNo', 'in', numbers).execute()) refunds.set(row.refundNo, row);
    }
    return { orders: [...orders.values()], refunds: [...refunds.values()], from, to };
  }

  /** The statement promises the money to the bank, less the fee; each line once. */
  async function settle(transaction: Transaction<Tables>, provider: ProviderName, date: string, matched: Matched[]) {
    const at = startOfDay(date) + DAY_MS - 1;
    await ledger.postAll(
      transaction,
      matched.map(({ line, order, id }) => {
        const { companyId } = order;
        const [clearing, bank] = [clearingOf(companyId, provider), companyAccount(companyId, 'bank')];
        const fees = companyAccount(companyId, 'fees');
        const isRefund = line.kind === 'refund';
        const fee = line.feeFen < 0n ? -line.feeFen : line.feeFen;
        const lineOf = (debit: typeof bank, credit: typeof bank, amountFen: bigint) =>
          isRefund ? { debit: credit, credit: debit, amountFen } : { debit, credit, amountFen };
        const all = [lineOf(bank, clearing, line.amountFen - fee), lineOf(fees, clearing, fee)];
        return {
          id: `${id}:settled`,
          kind: 'settlement' as const,
          companyId,
          at,
          by: provider,
          reference: date,
          lines: all.filter(({ amountFen }) => amountFen > 0n),
        };
      }),
    );
  }

  /** An order that was paid there and not here is asked for: it may mend itself. */
  async function askFor(transaction: Transaction<Tables>, differences: Difference[]): Promise<void> {
    const ids = differences.filter(({ kind }) => kind === 'state_differs').flatMap(({ orderId }) => orderId ?? []);
    if (ids.length === 0) return;
    await transaction
      .updateTable('paymentOrders')
      .set({ askAt: clock.now() })
      .where('id', 'in', ids)
      .where('state', 'in', ['open', 'closed'])
      .execute();
  }

  async function run(id: string, provider: ProviderName, date: string): Promise<void> {
    const lines = await providers.get(provider).fetchStatement(date);
    const { matched, differences } = compare(lines, await oursOf(provider, date, lines));
    const sum = (of: (line: StatementLine) => bigint) => fromFen(lines.reduce((all, line) => all + of(line), 0n));
    await db.transaction().execute(async (transaction) => {
      if (matched.length > 0) await settle(transaction, provider, date, matched);
      await noted.note(transaction, provider, date, differences);
      await askFor(transaction, differences);
      await transaction
        .updateTable('reconciliations')
        .set({
          state: 'done',
          finishedAt: clock.now(),
          lineCount: lines.length,
          paidFen: sum(({ kind, amountFen }) => (kind === 'payment' ? amountFen : 0n)),
          refundedFen: sum(({ kind, amountFen }) => (kind === 'refund' ? amountFen : 0n)),
          feeFen: sum(({ feeFen }) => feeFen),
          detail: null,
        })
        .where('id', '=', id)
        .execute();
    });
    await noted.recount();
    if (differences.length > 0)
      log.error({ provider, date, count: differences.length }, 'payments: a statement differs');
  }

  const rowOf = (id: string) =>
    db.selectFrom('reconciliations').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

  async function attempt(id: string, provider: ProviderName, date: string): Promise<ReconciliationRow> {
    try {
      await run(id, provider, date);
    } catch (error) {
      const detail = error instanceof GatewayError ? error.message : 'It failed; the log says why';
      const why = error instanceof GatewayError ? { why: detail } : { err: error };
      log.error({ provider, date, ...why }, 'payments: a statement could not be compared');
      await db
        .updateTable('reconciliations')
        .set({ state: 'failed', finishedAt: clock.now(), detail })
        .where('id', '=', id)
        .execute();
    }
    return rowOf(id);
  }

  return {
    /** Compares a day that is over, again if need be. Rejects with `wrong_state` while it is under way. */
    async reconcile(provider: ProviderName, date: string): Promise<ReconciliationRow> {
      providers.get(provider);
      if (date >= dayOf(clock.now())) throw new GatewayError('wrong_state', 'A day is compared when it is over');
      const id = await claim(provider, date, true);
      if (id === undefined) throw new GatewayError('wrong_state', 'It is being compared just now');
      return attempt(id, provider, date);
    },

    /** By the clock: every day that is over and was not compared yet, from the hour that is set on. */
    async keepUp(): Promise<void> {
      const now = clock.now();
      if (now < startOfDay(dayOf(now)) + reconcileHour * 3_600_000) return;
      for (const provider of providers.names()) {
        const { first } = await db
          .selectFrom('paymentOrders')
          .select((row) => row.fn.min<number | null>('createdAt').as('first'))
          .where('provider', '=', provider)
          .executeTakeFirstOrThrow();
        if (first === null) continue;
        for (let back = DAYS_BACK; back > 0; back -= 1) {
          const date = dayOf(now - back * DAY_MS);
          if (date < dayOf(Number(first))) continue;
          const id = await claim(provider, date, false);
          if (id !== undefined) await attempt(id, provider, date);
        }
      }
    },

    /** The newest days first. */
    async list({ limit, cursor, provider, date }: Page & { provider?: string | undefined; date?: string | undefined }) {
      const rows = await db
        .selectFrom('reconciliations')
        .selectAll()
        .$if(provider !== undefined, (query) => query.where('provider', '=', provider ?? ''))
        .$if(date !== undefined, (query) => query.where('date', '=', date ?? ''))
        .$if(cursor !== undefined, (query) => query.where('id', '<', cursor ?? ''))
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(rows, limit);
    },
  };
}
