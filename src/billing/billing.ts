import type { Database } from '../db/database.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { createAdjustments } from './adjustments.ts';
import { createArrears } from './arrears.ts';
import { createDeposits } from './deposits.ts';
import { createLedger } from './ledger.ts';
import { createPayments } from './payments.ts';

/** Everything of money, put together. */

export function openBilling(parts: {
  db: Database;
  clock: Clock;
  log: Logger;
  /** Both in fen: the deposit of a household, and what a company may adjust at once. */
  settings: { depositFen: number; adjustmentFen: number };
  /** A household's money has come, and is committed. */
  onPaid?: (householdId: string) => void | Promise<void>;
}) {
  const { db, clock, log, settings, onPaid } = parts;
  const ledger = createLedger({ db });
  const payments = createPayments({ db, ledger });
  const arrears = createArrears({ db, clock });
  return {
    ledger,
    arrears,
    payments,
    deposits: createDeposits({ db, ledger, payments, depositFen: BigInt(settings.depositFen) }),
    adjustments: createAdjustments({ ledger, limitFen: BigInt(settings.adjustmentFen) }),
    /** To be called when money for a household was committed. Whatever follows from it, the payment stands. */
    async paid(householdId: string): Promise<void> {
      try {
        await arrears.settled(householdId);
        await onPaid?.(householdId);
      } catch (error) {
        log.error({ err: error, householdId }, 'billing: what follows from a payment failed');
      }
    },
  };
}
export type Billing = ReturnType<typeof openBilling>;
