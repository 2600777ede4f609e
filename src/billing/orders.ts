import type { Transaction } from 'kysely';
import { type Caller, visibleHouseholds } from '../areas/scope.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { HouseholdRow, Tables } from '../db/schema.ts';
import type { PaymentOrderRow, PaymentRefundRow } from '../db/schema-orders.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { type Fen, fromFen, toFen } from '../lib/money.ts';
import type { Notifications } from './notifications.ts';
import { nextState } from './order-states.ts';
import type { PaymentProvider, ProviderName } from './providers/provider.ts';
import type { Providers } from './providers/providers.ts';
import { changeOrder, givenBack, lockedOrder, refundsOf } from './settlement.ts';

/** Orders that are paid at a provider. A row is written before the provider is told anything. */

export interface NewOrder {
  amountFen: Fen;
  provider: ProviderName;
  billId?: string | undefined;
}

/** After its making, and then again and again, until it expires. */
export const ASK_AFTER_MS = [5_000, 15_000, 30_000, 60_000, 300_000, 1_800_000] as const;
/** Who scans a code has this much. More open ones at once are a mistake or mischief. */
const MOST_OPEN = 5;
const DESCRIPTION = '供暖缴费';

/** When the provider is asked about an open order next: by the calendar, and at its end. */
export function nextAsk({ createdAt, expiresAt, asked }: PaymentOrderRow, now: number): number {
  const due = ASK_AFTER_MS.slice(asked)
    .map((ms) => createdAt + ms)
    .find((at) => at > now);
  return Math.min(due ?? expiresAt, Math.max(expiresAt, now + ASK_AFTER_MS[0]));
}

/** A refund that the provider refuses has not happened; of one that it does not answer, nobody knows. */
function failedIfRefused(error: unknown): { state: 'failed' } {
  if (error instanceof GatewayError && error.code === 'provider_refused') return { state: 'failed' };
  throw error;
}

export function createOrders(parts: {
  db: Database;
  clock: Clock;
  audit: Audit;
  providers: Providers;
  notifications: Notifications;
  /** How long a code can be paid. */
  orderMs: number;
}) {
  const { db, clock, audit, providers, notifications, orderMs } = parts;

  const visible = (caller: Caller) =>
    db
      .selectFrom('paymentOrders')
      .innerJoin('households', 'households.id', 'paymentOrders.householdId')
      .selectAll('paymentOrders')
      .where(visibleHouseholds(caller));

  async function get(caller: Caller, id: string): Promise<PaymentOrderRow> {
    const order = await visible(caller).where('paymentOrders.id', '=', id).executeTakeFirst();
    if (!order) throw new GatewayError('not_found');
    return order;
  }

  async function byId(id: string): Promise<PaymentOrderRow> {
    return db.selectFrom('paymentOrders').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  }

  /** In the transaction of the request's answer. */
  async function create(
    transaction: Transaction<Tables>,
    caller: Caller,
    household: HouseholdRow,
    { amountFen, provider, billId }: NewOrder,
  ): Promise<string> {
    providers.get(provider);
    const open = await transaction
      .selectFrom('paymentOrders')
      .select('id')
      .where('householdId', '=', household.id)
      .where('state', '=', 'open')
      .execute();
    if (open.length >= MOST_OPEN) throw new GatewayError('too_many_requests', 'Pay or close the open orders first');
    const now = clock.now();
    const order: PaymentOrderRow = {
      id: newId('po'),
      householdId: household.id,
      companyId: household.companyId,
      billId: billId ?? null,
      provider,
      amountFen: fromFen(amountFen),
      refundedFen: 0,
      state: 'open',
      codeUrl: null,
      transactionId: null,
      note: null,
      createdBy: caller.name,
      createdAt: now,
      expiresAt: now + orderMs,
      paidAt: null,
      askAt: now + ASK_AFTER_MS[0],
      asked: 0,
      failed: 0,
    };
    await transaction.insertInto('paymentOrders').values(order).execute();
    return order.id;
  }

  /** Asks the provider for the code, unless it is there. The provider gives the same for the same order. */
  async function withCode(id: string): Promise<PaymentOrderRow> {
    const order = await byId(id);
    if (order.codeUrl !== null || order.state !== 'open') return order;
    const { provider, amountFen, expiresAt } = order;
    const codeUrl = await providers
      .get(provider)
      .createIntent({ orderId: id, amountFen: toFen(amountFen), description: DESCRIPTION, expiresAt });
    await db.updateTable('paymentOrders').set({ codeUrl }).where('id', '=', id).execute();
    return { ...order, codeUrl };
  }

  const change = (order: PaymentOrderRow, what: Partial<PaymentOrderRow>) =>
    db.transaction().execute(async (transaction) => {
      const now = await lockedOrder(transaction, order.id);
      // Meanwhile somebody may have paid it.
      if (now?.state === order.state) await changeOrder(transaction, now, what);
    });

  /** What the provider knows of it is taken. Gives whether it was paid. */
  async function ask(
    provider: PaymentProvider,
    order: PaymentOrderRow,
  ): Promise<'open' | 'closed' | 'unknown' | 'paid'> {
    const answer = await provider.queryIntent(order.id);
    if (answer.state !== 'paid') return answer.state;
    const { fact, foreign } = answer;
    const id = `query:${order.id}:${fact.transactionId}`;
    await notifications.take({ provider: provider.name, source: 'query', id, fact, foreign });
    return 'paid';
  }

  /** Ends an order that nobody paid: asked first, since it may have been paid just now. */
  async function close(order: PaymentOrderRow): Promise<void> {
    const provider = providers.get(order.provider);
    const there = await ask(provider, order);
    if (there === 'paid') return;
    if (there === 'open') await provider.closeIntent(order.id);
    await change(order, { state: nextState(order.state, 'close') ?? order.state, askAt: null, failed: 0 });
  }

  /** Asks the provider for the refund, or how far it is. */
  async function pursue(order: PaymentOrderRow, refund: PaymentRefundRow): Promise<'pending' | 'over'> {
    const provider = providers.get(order.provider);
    const { transactionId, amountFen: totalFen, id: orderId } = order;
    if (transactionId === null) throw new RangeError(`order ${orderId} was never paid`);
    const amountFen = toFen(refund.amountFen);
    const asked = { refundId: refund.refundNo, orderId, transactionId, amountFen, reason: refund.reason };
    const { state } = await provider.refund({ ...asked, totalFen: toFen(totalFen) }).catch(failedIfRefused);
    if (state === 'pending') return 'pending';
    await notifications.take({
      provider: provider.name,
      source: 'query',
      id: `refund:${refund.refundNo}:${state}`,
      fact: {
        kind: 'refund',
        orderId,
        transactionId,
        refundId: refund.refundNo,
        amountFen,
        outcome: state,
        at: clock.now(),
      },
      foreign: null,
    });
    return 'over';
  }

  /** In the transaction of the request's answer. Gives the refund's id. */
  async function beginRefund(
    transaction: Transaction<Tables>,
    caller: Caller,
    orderId: string,
    { amountFen, reason }: { amountFen: Fen; reason: string },
  ): Promise<string> {
    const order = await lockedOrder(transaction, orderId);
    const state = order && nextState(order.state, 'refund');
    if (!order || !state) throw new GatewayError('wrong_state', 'Only what was paid can be given back');
    providers.get(order.provider);
    if (givenBack(await refundsOf(transaction, orderId)) + fromFen(amountFen) > order.amountFen) {
      throw new GatewayError('not_enough_money', 'That is more than what is left of the payment');
    }
    const id = newId('rf');
    const row: PaymentRefundRow = {
      id,
      orderId,
      provider: order.provider,
      refundNo: id,
      amountFen: fromFen(amountFen),
      reason,
      state: 'pending',
      requestedBy: caller.name,
      createdAt: clock.now(),
      doneAt: null,
    };
    await transaction.insertInto('paymentRefunds').values(row).execute();
    await changeOrder(transaction, order, { state, askAt: clock.now() + ASK_AFTER_MS[0], asked: 0 });
    const { companyId, householdId } = order;
    const detail = { orderId, householdId, amountFen: row.amountFen, reason };
    await audit.record(transaction, { actor: caller.name, action: 'refund_requested', subject: id, companyId, detail });
    return id;
  }

  const refunds = (orderId: string): Promise<PaymentRefundRow[]> =>
    db.selectFrom('paymentRefunds').selectAll().where('orderId', '=', orderId).orderBy('id').execute();

  return {
    get,
    byId,
    create,
    withCode,
    ask,
    close,
    beginRefund,
    pursue,
    refunds,
    change,

    /** The newest first. */
    async list(householdId: string, { limit, cursor }: Page) {
      const rows = await db
        .selectFrom('paymentOrders')
        .selectAll()
        .where('householdId', '=', householdId)
        .$if(cursor !== undefined, (query) => query.where('id', '<', cursor ?? ''))
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(rows, limit);
    },
  };
}
export type Orders = ReturnType<typeof createOrders>;
