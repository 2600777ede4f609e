import type { Transaction } from 'kysely';
import type { AuditEntry } from '../audit/audit.ts';
import { isPostgres } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';
import type { HeldReason, PaymentOrderRow, PaymentRefundRow } from '../db/schema-orders.ts';
import { newId } from '../lib/ids.ts';
import { fromFen } from '../lib/money.ts';
import { companyAccount, householdAccount } from './accounts.ts';
import type { Ledger } from './ledger.ts';
import { isPaid, nextState, type OrderEvent } from './order-states.ts';
import type { Payments } from './payments.ts';
import type { Fact, Foreign, PaymentFact, ProviderName, RefundFact } from './providers/provider.ts';

/**
 * What a provider says becomes an order's state and a posting, in one transaction and once, in whatever order and however often it is said.
 * Money is credited only when all of it fits: merchant, app, currency, order, amount and transaction.
 */

export type Verdict =
  /** `moved` is what the audit says of the money that was booked. */
  | { state: 'taken'; order: PaymentOrderRow | undefined; paid: boolean; moved?: AuditEntry }
  | { state: 'held'; order: PaymentOrderRow | undefined; reason: HeldReason };

export interface Told {
  provider: ProviderName;
  fact: Fact;
  foreign: Foreign | null;
}

export const clearingOf = (companyId: string, provider: string) => companyAccount(companyId, `clearing:${provider}`);

const heatingOf = ({ householdId, companyId }: Pick<PaymentOrderRow, 'householdId' | 'companyId'>) =>
  householdAccount({ id: householdId, companyId }, 'heating');

/** The row, which nobody else changes until the transaction's end. */
export function lockedOrder(transaction: Transaction<Tables>, id: string): Promise<PaymentOrderRow | undefined> {
  return transaction
    .selectFrom('paymentOrders')
    .selectAll()
    .where('id', '=', id)
    .$if(isPostgres(transaction), (query) => query.forUpdate())
    .executeTakeFirst();
}

export async function changeOrder(
  transaction: Transaction<Tables>,
  order: PaymentOrderRow,
  change: Partial<PaymentOrderRow>,
): Promise<PaymentOrderRow> {
  await transaction.updateTable('paymentOrders').set(change).where('id', '=', order.id).execute();
  return { ...order, ...change };
}

export const refundsOf = (transaction: Transaction<Tables>, orderId: string): Promise<PaymentRefundRow[]> =>
  transaction.selectFrom('paymentRefunds').selectAll().where('orderId', '=', orderId).orderBy('id').execute();

/** What has gone back or is about to, in fen. */
export const givenBack = (refunds: PaymentRefundRow[]): number =>
  refunds.reduce((sum, { state, amountFen }) => sum + (state === 'failed' ? 0 : amountFen), 0);

export function createSettlement({ ledger, payments }: { ledger: Ledger; payments: Payments }) {
  async function takePayment(
    transaction: Transaction<Tables>,
    { provider, foreign }: Told,
    fact: PaymentFact,
  ): Promise<Verdict> {
    const order = await lockedOrder(transaction, fact.orderId);
    const held = (reason: HeldReason): Verdict => ({ state: 'held', order, reason });
    if (!order || order.provider !== provider) return held('unknown_order');
    const fits = order.amountFen === fromFen(fact.amountFen);
    if (order.transactionId === fact.transactionId) {
      return fits ? { state: 'taken', order, paid: false } : held('other_amount');
    }
    if (order.transactionId !== null || (await isElsewhere(transaction, provider, fact))) return held('second_payment');
    if (foreign || !fits) {
      await holdOrder(transaction, order);
      return held(foreign ?? 'other_amount');
    }
    return { state: 'taken', paid: true, ...(await credit(transaction, order, fact)) };
  }

  async function isElsewhere(
    transaction: Transaction<Tables>,
    provider: ProviderName,
    { transactionId }: PaymentFact,
  ): Promise<boolean> {
    const other = await transaction
      .selectFrom('paymentOrders')
      .select('id')
      .where('provider', '=', provider)
      .where('transactionId', '=', transactionId)
      .executeTakeFirst();
    return other !== undefined;
  }

  async function holdOrder(transaction: Transaction<Tables>, order: PaymentOrderRow): Promise<void> {
    const state = nextState(order.state, 'hold');
    if (state) await changeOrder(transaction, order, { state, askAt: null });
  }

  async function credit(
    transaction: Transaction<Tables>,
    order: PaymentOrderRow,
    { transactionId, amountFen, at }: PaymentFact,
  ): Promise<{ order: PaymentOrderRow; moved: AuditEntry }> {
    const state = nextState(order.state, 'pay');
    if (!state) throw new RangeError(`order ${order.id} is ${order.state} without a transaction`);
    // The household's money was taken, whatever we had told the provider before.
    const note = order.state === 'closed' ? 'paid_after_close' : order.note;
    const { id, companyId, householdId, provider } = order;
    await ledger.post(transaction, {
      id,
      kind: 'payment',
      companyId,
      householdId,
      at,
      by: provider,
      reference: transactionId,
      lines: [{ debit: clearingOf(companyId, provider), credit: heatingOf(order), amountFen }],
    });
    const { name: payerName } = await transaction
      .selectFrom('households')
      .select('name')
      .where('id', '=', householdId)
      .executeTakeFirstOrThrow();
    const paid = await payments.note(transaction, {
      id: newId('pay'),
      companyId,
      householdId,
      payerName,
      transferId: id,
      purpose: 'heating',
      amountFen: fromFen(amountFen),
      method: provider,
      reference: transactionId,
      receivedBy: provider,
      receivedAt: at,
    });
    const change = { state, note, transactionId, paidAt: at, askAt: null, failed: 0 };
    const detail = {
      orderId: id,
      householdId,
      amountFen: fromFen(amountFen),
      method: provider,
      reference: transactionId,
    };
    return {
      order: await changeOrder(transaction, order, change),
      moved: { actor: `provider:${provider}`, action: 'payment_received', subject: paid.id, companyId, detail },
    };
  }

  async function takeRefund(
    transaction: Transaction<Tables>,
    { provider, foreign, now }: Told & { now: number },
    fact: RefundFact,
  ): Promise<Verdict> {
    const order = await lockedOrder(transaction, fact.orderId);
    const held = (reason: HeldReason): Verdict => ({ state: 'held', order, reason });
    if (!order || order.provider !== provider) return held('unknown_order');
    if (foreign) return held(foreign);
    if (!isPaid(order.state)) {
      // There must have been a payment, so the provider is asked for it.
      if (order.state !== 'held') await changeOrder(transaction, order, { askAt: now });
      return held('refund_before_payment');
    }
    if (order.transactionId !== fact.transactionId) return held('other_transaction');
    const refunds = await refundsOf(transaction, order.id);
    const known = refunds.find(({ refundNo }) => refundNo === fact.refundId);
    if (known && known.amountFen !== fromFen(fact.amountFen)) return held('other_amount');
    const others = givenBack(refunds.filter((one) => one !== known));
    if (others + fromFen(fact.amountFen) > order.amountFen) return held('more_than_paid');
    // What is done is done; a refund that failed may still be mended at the provider.
    if (known?.state === 'done' || (fact.outcome === 'failed' && known?.state !== 'pending')) {
      return { state: 'taken', order, paid: false };
    }
    const refund = known ?? (await noteRefund(transaction, order, fact));
    await endRefund(transaction, refund, fact);
    const after = () => afterRefund(transaction, order);
    if (fact.outcome !== 'done') return { state: 'taken', order: await after(), paid: false };
    const moved = await giveBack(transaction, order, refund, fact);
    return { state: 'taken', order: await after(), paid: false, moved };
  }

  /** Somebody made it at the provider, without us. */
  async function noteRefund(
    transaction: Transaction<Tables>,
    { id, provider }: PaymentOrderRow,
    { refundId, amountFen, at }: RefundFact,
  ): Promise<PaymentRefundRow> {
    const row: PaymentRefundRow = {
      id: newId('rf'),
      orderId: id,
      provider,
      refundNo: refundId,
      amountFen: fromFen(amountFen),
      reason: 'made at the provider',
      state: 'pending',
      requestedBy: provider,
      createdAt: at,
      doneAt: null,
    };
    await transaction.insertInto('paymentRefunds').values(row).execute();
    return row;
  }

  async function endRefund(
    transaction: Transaction<Tables>,
    { id }: PaymentRefundRow,
    fact: RefundFact,
  ): Promise<void> {
    await transaction
      .updateTable('paymentRefunds')
      .set({ state: fact.outcome, doneAt: fact.outcome === 'done' ? fact.at : null })
      .where('id', '=', id)
      .execute();
  }

  async function giveBack(
    transaction: Transaction<Tables>,
    order: PaymentOrderRow,
    { id, reason, requestedBy }: PaymentRefundRow,
    { amountFen, at }: RefundFact,
  ): Promise<AuditEntry> {
    await ledger.post(transaction, {
      id,
      kind: 'refund',
      companyId: order.companyId,
      householdId: order.householdId,
      at,
      by: requestedBy,
      reason,
      reference: order.id,
      lines: [{ debit: heatingOf(order), credit: clearingOf(order.companyId, order.provider), amountFen }],
    });
    return {
      actor: `provider:${order.provider}`,
      action: 'refund_made',
      subject: id,
      companyId: order.companyId,
      detail: { orderId: order.id, householdId: order.householdId, amountFen: fromFen(amountFen), requestedBy, reason },
    };
  }

  async function afterRefund(transaction: Transaction<Tables>, order: PaymentOrderRow): Promise<PaymentOrderRow> {
    const refunds = await refundsOf(transaction, order.id);
    const refundedFen = givenBack(refunds.filter(({ state }) => state === 'done'));
    if (refunds.some(({ state }) => state === 'pending')) return changeOrder(transaction, order, { refundedFen });
    const event: OrderEvent =
      refundedFen === 0 ? 'back_none' : refundedFen < order.amountFen ? 'back_part' : 'back_all';
    const state = nextState(order.state, event) ?? order.state;
    return changeOrder(transaction, order, { refundedFen, state, askAt: null, failed: 0 });
  }

  return {
    take: (transaction: Transaction<Tables>, told: Told & { now: number }): Promise<Verdict> =>
      told.fact.kind === 'payment'
        ? takePayment(transaction, told, told.fact)
        : takeRefund(transaction, told, told.fact),
  };
}
export type Settlement = ReturnType<typeof createSettlement>;
