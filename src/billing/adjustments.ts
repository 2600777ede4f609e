import type { Transaction } from 'kysely';
import type { Caller } from '../areas/scope.ts';
import type { Tables } from '../db/schema.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { Fen } from '../lib/money.ts';
import { companyAccount, householdAccount } from './accounts.ts';
import type { Act, Ledger, Posted } from './ledger.ts';
import type { Payer } from './payments.ts';

/** What a company forgives a household, or asks of it, with a reason, when no other posting says it. */

export function createAdjustments({ ledger, limitFen }: { ledger: Ledger; limitFen: Fen }) {
  return {
    /** Above zero in the household's favour. A company adjusts no more than the limit at once. `evidence` is what proves it. */
    async adjust(
      transaction: Transaction<Tables>,
      {
        caller,
        payer,
        amountFen,
        evidence,
      }: { caller: Caller; payer: Payer; amountFen: Fen; evidence?: string | undefined },
      act: Act,
    ): Promise<Posted> {
      const size = amountFen < 0n ? -amountFen : amountFen;
      if (caller.role !== 'admin' && size > limitFen) {
        throw new GatewayError('forbidden', `More than ${limitFen} fen at once is for an admin to adjust`);
      }
      const heating = householdAccount(payer, 'heating');
      const adjustments = companyAccount(payer.companyId, 'adjustments');
      const [debit, credit] = amountFen > 0n ? [adjustments, heating] : [heating, adjustments];
      return ledger.post(transaction, {
        id: newId('adj'),
        kind: 'adjustment',
        companyId: payer.companyId,
        householdId: payer.id,
        reference: evidence,
        lines: [{ debit, credit, amountFen: size }],
        ...act,
      });
    },
  };
}
