import { z } from 'zod';
import { amountFen, counterMethod, reason, reference } from './billing.ts';
import { id } from './common.ts';

export const newDeposit = z.strictObject({
  amountFen: amountFen.optional().describe('What is due, where it is left out'),
  method: counterMethod,
  reference,
  again: z.boolean().optional().describe('As of a payment'),
});

export const depositOffset = z.strictObject({ amountFen: amountFen.optional(), reason: reason.optional() });

export const depositRefund = z.strictObject({
  amountFen: amountFen.optional(),
  method: counterMethod,
  reference,
  reason,
});

const depositStatement = z.object({
  companyId: id,
  companyName: z.string(),
  areaCode: z.string().describe('The county'),
  openingFen: z.int(),
  receivedFen: z.int(),
  offsetFen: z.int().describe('Against what households owed'),
  refundedFen: z.int(),
  correctedFen: z.int().describe('By anything else'),
  closingFen: z.int(),
});
export type DepositStatement = z.infer<typeof depositStatement>;
export const depositReport = z.object({ items: z.array(depositStatement) });
