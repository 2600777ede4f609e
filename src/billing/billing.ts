import type { Database } from '../db/database.ts';
import type { Logger } from '../lib/log.ts';
import { createLedger } from './ledger.ts';
import { createPayments } from './payments.ts';

/** Everything of money, put together. */

export function openBilling(parts: {
  db: Database;
  log: Logger;
  /** A household's money has come, and is committed. */
  onPaid?: (householdId: string) => void | Promise<void>;
}) {
  const { db, log, onPaid } = parts;
  const ledger = createLedger({ db });
  const payments = createPayments({ db, ledger });
  return {
    ledger,
    payments,
    /** To be called when money for a household was committed. Whatever follows from it, the payment stands. */
    async paid(householdId: string): Promise<void> {
      try {
        await onPaid?.(householdId);
      } catch (error) {
        log.error({ err: error, householdId }, 'billing: what follows from a payment failed');
      }
    },
  };
}
export type Billing = ReturnType<typeof openBilling>;
