import type { Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { HouseholdRow, Tables } from '../db/schema.ts';
import type { PaymentRow } from '../db/schema-billing.ts';
import { yearOf } from '../lib/calendar.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { type Fen, fromFen } from '../lib/money.ts';
import { companyAccount, householdAccount } from './accounts.ts';
import type { Act, Ledger } from './ledger.ts';

/** Money that households paid. A payment is never changed: one that was wrong is reversed. */

export type CounterMethod = 'cash' | 'transfer';
export type Payer = Pick<HouseholdRow, 'id' | 'companyId' | 'name'>;

/** Money at the counter lies in the till, or has come to the bank. */
export const moneyAt = (companyId: string, method: CounterMethod) =>
  companyAccount(companyId, method === 'cash' ? 'cash' : 'bank');

const isCounter = (method: string): method is CounterMethod => method === 'cash' || method === 'transfer';

export interface NewPayment {
  amountFen: Fen;
  method: CounterMethod;
  reference: string;
  /** The same method, amount and reference once more is meant so. */
  again?: boolean | undefined;
}

/** A payment, and the reversal of it when there is one. */
export interface Payment extends PaymentRow {
  reversedAt: number | null;
  reversedBy: string | null;
  reversalReason: string | null;
}

export function createPayments({ db, ledger }: { db: Database; ledger: Ledger }) {
  const withReversal = (from: Database | Transaction<Tables> = db) =>
    from
      .selectFrom('payments')
      .leftJoin('transfers as reversal', 'reversal.reverses', 'payments.transferId')
      .selectAll('payments')
      .select(['reversal.at as reversedAt', 'reversal.byName as reversedBy', 'reversal.reason as reversalReason']);

  /** The next number of the company's receipts in that year. It is given back when the transaction is not committed. */
  async function nextReceipt(transaction: Transaction<Tables>, companyId: string, year: number): Promise<number> {
    const { last } = await transaction
      .insertInto('receiptNumbers')
      .values({ companyId, year, last: 1 })
      .onConflict((conflict) =>
        conflict.columns(['companyId', 'year']).doUpdateSet((row) => ({ last: row('receiptNumbers.last', '+', 1) })),
      )
      .returning('last')
      .executeTakeFirstOrThrow();
    return last;
  }

  /** Notes a payment that a transfer in the ledger posts, and gives it a receipt's number. */
  async function note(
    transaction: Transaction<Tables>,
    payment: Omit<PaymentRow, 'receiptYear' | 'receiptNumber'>,
  ): Promise<Payment> {
    const receiptYear = yearOf(payment.receivedAt);
    const receiptNumber = await nextReceipt(transaction, payment.companyId, receiptYear);
    const row: PaymentRow = { ...payment, receiptYear, receiptNumber };
    await transaction.insertInto('payments').values(row).execute();
    return { ...row, reversedAt: null, reversedBy: null, reversalReason: null };
  }

  /** The same sum with the same receipt is, most likely, one payment that was typed twice. */
  async function mustBeNew(
    transaction: Transaction<Tables>,
    payer: Payer,
    payment: NewPayment & Pick<PaymentRow, 'purpose'>,
  ): Promise<void> {
    const same = await withReversal(transaction)
      .where('payments.householdId', '=', payer.id)
      .where('payments.purpose', '=', payment.purpose)
      .where('payments.method', '=', payment.method)
      .where('payments.reference', '=', payment.reference)
      .where('payments.amountFen', '=', fromFen(payment.amountFen))
      .where('reversal.id', 'is', null)
      .executeTakeFirst();
    if (same)
      throw new GatewayError('paid_already', `Payment ${same.id} is the same; send "again": true when it is meant`);
  }

  return {
    note,

    /** Money at the counter. `paid_already` when the household has paid the same. */
    async record(
      transaction: Transaction<Tables>,
      payer: Payer,
      payment: NewPayment & { purpose?: PaymentRow['purpose'] },
      { at, by }: Act,
    ): Promise<Payment> {
      const { amountFen, method, reference, purpose = 'heating' } = payment;
      const { id: householdId, companyId } = payer;
      const own = householdAccount(payer, purpose);
      // Of two clerks with the same payment, the second looks when the first has done.
      await ledger.lock(transaction, [own]);
      if (!payment.again) await mustBeNew(transaction, payer, { ...payment, purpose });
      const id = newId('pay');
      await ledger.post(transaction, {
        id,
        kind: purpose === 'deposit' ? 'deposit_receive' : 'payment',
        companyId,
        householdId,
        at,
        by,
        reference,
        lines: [{ debit: moneyAt(companyId, method), credit: own, amountFen }],
      });
      return note(transaction, {
        id,
        companyId,
        householdId,
        transferId: id,
        purpose,
        amountFen: fromFen(amountFen),
        method,
        reference,
        payerName: payer.name,
        receivedBy: by,
        receivedAt: at,
      });
    },

    /** Gives money of the counter back, once. Money of a provider goes back through that provider. */
    async reverse(transaction: Transaction<Tables>, payer: Payer, paymentId: string, act: Act): Promise<Payment> {
      const payment = await this.get(payer.id, paymentId, transaction);
      if (!isCounter(payment.method))
        throw new GatewayError('wrong_state', `${payment.method} gives its money back itself`);
      await ledger.reverse(transaction, payment.transferId, newId('rev'), act);
      return { ...payment, reversedAt: act.at, reversedBy: act.by, reversalReason: act.reason ?? null };
    },

    async get(householdId: string, id: string, from: Database | Transaction<Tables> = db): Promise<Payment> {
      const payment = await withReversal(from)
        .where('payments.id', '=', id)
        .where('payments.householdId', '=', householdId)
        .executeTakeFirst();
      if (!payment) throw new GatewayError('not_found');
      return payment;
    },

    async find(id: string): Promise<Payment> {
      const payment = await withReversal().where('payments.id', '=', id).executeTakeFirst();
      if (!payment) throw new GatewayError('not_found');
      return payment;
    },

    /** The newest first. */
    async list(householdId: string, { limit, cursor }: Page) {
      let query = withReversal().where('payments.householdId', '=', householdId);
      if (cursor) query = query.where('payments.id', '<', cursor);
      return pageOf(
        await query
          .orderBy('payments.id', 'desc')
          .limit(limit + 1)
          .execute(),
        limit,
      );
    },
  };
}
export type Payments = ReturnType<typeof createPayments>;
