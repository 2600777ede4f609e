import type { Database } from '../db/database.ts';
import type { Clock } from '../lib/clock.ts';
import { createPayments } from './payments.ts';

/** Everything of money, put together. */

export function openBilling(parts: { db: Database; clock: Clock }) {
  const payments = createPayments(parts);
  return { payments };
}
export type Billing = ReturnType<typeof openBilling>;
