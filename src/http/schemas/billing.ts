import { z } from 'zod';
import { id, pageOf, pageQuery, time } from './common.ts';
import { usage } from './readings.ts';
import { terminalId } from './terminals.ts';

export const account = z.object({
  householdId: id,
  accountNo: z.string(),
  balanceFen: z.int().describe('What the household has paid in and not used, in fen'),
  depositFen: z.int(),
});
export type Account = z.infer<typeof account>;

export const newPayment = z.strictObject({
  amountFen: z.int().min(1).max(100_000_000).describe('Whole fen, at most one million yuan'),
  method: z.enum(['cash', 'transfer']),
  reference: z.string().trim().min(1).max(100).describe('Receipt or transfer number'),
});
export const payment = z.object({
  id,
  householdId: id,
  amountFen: z.int(),
  method: z.enum(['cash', 'transfer']),
  reference: z.string(),
  receivedBy: z.string(),
  receivedAt: time,
});
export type Payment = z.infer<typeof payment>;
export const paymentPage = pageOf(payment);
export const paymentQuery = z.strictObject(pageQuery('pay'));

/** Use of every counter of the household's terminals. */
export const householdUsage = z.object({
  items: z.array(z.object({ terminalId, metric: z.string(), unit: z.string(), items: usage })),
});
export type HouseholdUsage = z.infer<typeof householdUsage>;
