import { z } from 'zod';
import { id, pageOf, pageQuery, time } from './common.ts';
import { usage } from './readings.ts';
import { terminalId } from './terminals.ts';

export const account = z.object({
  householdId: id,
  accountNo: z.string(),
  balanceFen: z.int().describe('What the household has paid in and not used, in fen; below zero is owed'),
  depositFen: z.int().describe('What is held of its deposit'),
  subsidyFen: z.int().describe('Subsidy that was granted and is not used'),
  pendingFen: z.int().describe('What is on its way to the balance, or from it when below zero, and not in it yet'),
});
export type Account = z.infer<typeof account>;

const amountFen = z.int().min(1).max(100_000_000).describe('Whole fen, at most one million yuan');
const counterMethod = z.enum(['cash', 'transfer']);
const reference = z.string().trim().min(1).max(100).describe('Receipt or transfer number');

export const newPayment = z.strictObject({
  amountFen,
  method: counterMethod,
  reference,
  again: z
    .boolean()
    .optional()
    .describe('The same amount, method and reference as a payment before is meant; otherwise it is refused with 409'),
});
export const payment = z.object({
  id,
  householdId: id,
  purpose: z.enum(['heating', 'deposit']),
  amountFen: z.int(),
  method: z.string().describe('`cash`, `transfer`, or a provider'),
  reference: z.string(),
  receiptNo: z.string().describe('Without a gap for each company and year'),
  receivedBy: z.string(),
  receivedAt: time,
  reversedAt: time.nullable(),
  reversedBy: z.string().nullable(),
  reversalReason: z.string().nullable(),
});
export type Payment = z.infer<typeof payment>;
export const paymentPage = pageOf(payment);
export const paymentQuery = z.strictObject(pageQuery('pay'));

/** Use of every counter of the household's terminals. */
export const householdUsage = z.object({
  items: z.array(z.object({ terminalId, metric: z.string(), unit: z.string(), items: usage })),
});
export type HouseholdUsage = z.infer<typeof householdUsage>;
