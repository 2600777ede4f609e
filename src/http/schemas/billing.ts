import { z } from 'zod';
import { TRANSFER_KINDS } from '../../db/schema-billing.ts';
import { id, pageOf, pageQuery, time } from './common.ts';
import { usage } from './readings.ts';
import { terminalId } from './terminals.ts';

export const account = z.object({
  householdId: id,
  accountNo: z.string(),
  balanceFen: z.int().describe('What the household has paid in and not used, in fen; below zero is owed'),
  depositFen: z.int().describe('What is held of its deposit'),
  depositDueFen: z.int().describe('What is still to be paid of it'),
  subsidyFen: z.int().describe('Subsidy that was granted and is not used'),
  pendingFen: z.int().describe('What is on its way to the balance, or from it when below zero, and not in it yet'),
});
export type Account = z.infer<typeof account>;

export const amountFen = z.int().min(1).max(100_000_000).describe('Whole fen, at most one million yuan');
export const counterMethod = z.enum(['cash', 'transfer']);
export const reference = z.string().trim().min(1).max(100).describe('Receipt or transfer number');
export const reason = z.string().trim().min(1).max(200);

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

export const paymentParams = z.strictObject({ id, paymentId: id });
export const reversal = z.strictObject({ reason });

/** What is printed for who paid. */
export const receipt = payment.extend({
  companyName: z.string(),
  accountNo: z.string(),
  payerName: z.string().describe('As the household was called then'),
  address: z.string().nullable(),
  amountZh: z.string().describe('The amount in Chinese capitals'),
});
export type Receipt = z.infer<typeof receipt>;

export const adjustment = z.strictObject({
  amountFen: z
    .int()
    .min(-100_000_000)
    .max(100_000_000)
    .refine((amount) => amount !== 0, 'not zero')
    .describe('Whole fen, above zero in the household’s favour'),
  reason,
  evidence: reference.optional().describe('What proves it: the number of a decision, a report or a letter'),
});

/** A transfer in the ledger that was made. */
export const booked = z.object({ transferId: id, amountFen: z.int() });
export type Booked = z.infer<typeof booked>;

export const ledgerQuery = z.strictObject({
  ...pageQuery('ent'),
  account: z.enum(['heating', 'deposit', 'subsidy']).default('heating'),
});
const ledgerEntry = z.object({
  id,
  transferId: z.string(),
  kind: z.enum(TRANSFER_KINDS),
  against: z.string().describe('The kind of the account on the other side'),
  at: time,
  by: z.string(),
  amountFen: z.int().describe('Above zero when the balance grew'),
  balanceFen: z.int().describe('After it'),
  reference: z.string().nullable(),
  reason: z.string().nullable(),
  reverses: z.string().nullable().describe('The transfer that it takes back'),
  reversedBy: z.string().nullable().describe('The transfer that took it back'),
});
export type LedgerEntry = z.infer<typeof ledgerEntry>;
export const ledgerPage = pageOf(ledgerEntry);

/** Use of every counter of the household's terminals. */
export const householdUsage = z.object({
  items: z.array(z.object({ terminalId, metric: z.string(), unit: z.string(), items: usage })),
});
export type HouseholdUsage = z.infer<typeof householdUsage>;
