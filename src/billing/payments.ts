import type { Transaction } from 'kysely';
import type { Caller } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import type { PaymentRow } from '../db/schema-billing.ts';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { type Fen, fromFen, toFen } from '../lib/money.ts';

/** Money that households paid at the counter. A payment is never changed. */

export interface NewPayment {
  amountFen: Fen;
  method: 'cash' | 'transfer';
  reference: string;
}

export function createPayments({ db, clock }: { db: Database; clock: Clock }) {
  return {
    async record(
      transaction: Transaction<Tables>,
      caller: Caller,
      householdId: string,
      { amountFen, method, reference }: NewPayment,
    ): Promise<PaymentRow> {
      const payment: PaymentRow = {
        id: newId('pay'),
        householdId,
        amountFen: fromFen(amountFen),
        method,
        reference,
        receivedBy: caller.name,
        receivedAt: clock.now(),
      };
      await transaction.insertInto('payments').values(payment).execute();
      return payment;
    },

    async balance(householdId: string): Promise<Fen> {
      const { total } = await db
        .selectFrom('payments')
        .select((row) => row.fn.sum<number | string | null>('amountFen').as('total'))
        .where('householdId', '=', householdId)
        .executeTakeFirstOrThrow();
      return toFen(total ?? 0);
    },

    /** The newest first. */
    async list(householdId: string, { limit, cursor }: Page) {
      let query = db.selectFrom('payments').selectAll().where('householdId', '=', householdId);
      if (cursor) query = query.where('id', '<', cursor);
      return pageOf(
        await query
          .orderBy('id', 'desc')
          .limit(limit + 1)
          .execute(),
        limit,
      );
    },
  };
}
