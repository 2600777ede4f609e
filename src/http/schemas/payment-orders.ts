import { z } from 'zod';
import { PROVIDERS } from '../../billing/providers/provider.ts';
import { DIFFERENCE_KINDS, HELD_REASONS, ORDER_STATES } from '../../db/schema-orders.ts';
import { id, pageOf, pageQuery, time } from './common.ts';

const provider = z.enum(PROVIDERS);
const NOTIFICATION_STATES = ['taken', 'held', 'resolved'] as const;
const amountFen = z.int().min(1).max(100_000_000).describe('Whole fen, at most one million yuan');
export const providerParam = z.strictObject({ provider });

export const paymentProviders = z.object({
  items: z.array(z.object({ name: provider, sandbox: z.boolean().describe('Without any money, for trying out') })),
});
export type PaymentProviders = z.infer<typeof paymentProviders>;

export const newPaymentOrder = z.strictObject({ amountFen, provider, billId: id.optional() });
export const newRefund = z.strictObject({ amountFen, reason: z.string().trim().min(1).max(80) });

const paymentRefund = z.object({
  id,
  amountFen: z.int(),
  reason: z.string(),
  state: z.enum(['pending', 'done', 'failed']),
  requestedBy: z.string(),
  createdAt: time,
  doneAt: time.nullable(),
});
export type PaymentRefund = z.infer<typeof paymentRefund>;

export const paymentOrder = z.object({
  id,
  householdId: id,
  billId: id.nullable(),
  provider: z.string(),
  amountFen: z.int(),
  refundedFen: z.int(),
  state: z
    .enum(ORDER_STATES)
    .describe('`held`: the provider says something else than was asked; `closed`: nobody can pay it any more'),
  codeUrl: z.string().nullable().describe('The text of the QR code while the order is open'),
  transactionId: z.string().nullable(),
  note: z
    .string()
    .nullable()
    .describe('`paid_after_close`: the money came when the order was closed, and was credited'),
  createdBy: z.string(),
  createdAt: time,
  expiresAt: time,
  paidAt: time.nullable(),
  refunds: z.array(paymentRefund),
});
export type PaymentOrder = z.infer<typeof paymentOrder>;
const paymentOrderSummary = paymentOrder.omit({ refunds: true });
export type PaymentOrderSummary = z.infer<typeof paymentOrderSummary>;
export const paymentOrderPage = pageOf(paymentOrderSummary);
export const paymentOrderQuery = z.strictObject(pageQuery('po'));

export const paymentNotification = z.object({
  id,
  provider: z.string(),
  notificationId: z.string(),
  source: z.enum(['notification', 'query']),
  kind: z.enum(['payment', 'refund', 'other']),
  orderId: z.string().nullable(),
  transactionId: z.string().nullable(),
  amountFen: z.int().nullable(),
  state: z
    .enum(NOTIFICATION_STATES)
    .describe('`held` waits for people; `resolved` was held, and a person has seen to it'),
  reason: z.enum(HELD_REASONS).nullable().describe('Why it is held and was not credited'),
  receivedAt: time,
  resolvedBy: z.string().nullable(),
  resolvedAt: time.nullable(),
  resolution: z.string().nullable().describe('What was done about it'),
});
export type PaymentNotification = z.infer<typeof paymentNotification>;
export const paymentNotificationPage = pageOf(paymentNotification);
export const notificationFilter = { provider: provider.optional(), state: z.enum(NOTIFICATION_STATES).optional() };
export const paymentNotificationQuery = z.strictObject({ ...pageQuery('pn'), ...notificationFilter });

const date = z.iso.date().describe('A day of Asia/Shanghai');
export const newReconciliation = z.strictObject({ provider, date });
export const reconciliation = z.object({
  id,
  provider: z.string(),
  date,
  state: z.enum(['running', 'done', 'failed']),
  startedAt: time,
  finishedAt: time.nullable(),
  lineCount: z.int(),
  paidFen: z.int(),
  refundedFen: z.int(),
  feeFen: z.int(),
  detail: z.string().nullable(),
});
export type Reconciliation = z.infer<typeof reconciliation>;
export const reconciliationPage = pageOf(reconciliation);
export const reconciliationFilter = { provider: provider.optional(), date: date.optional() };
export const reconciliationQuery = z.strictObject({ ...pageQuery('rec'), ...reconciliationFilter });

export const difference = z.object({
  id,
  provider: z.string(),
  date,
  kind: z.enum(DIFFERENCE_KINDS),
  about: z.enum(['payment', 'refund']),
  orderId: z.string().nullable(),
  transactionId: z.string().nullable(),
  oursFen: z.int().nullable(),
  theirsFen: z.int().nullable(),
  state: z.enum(['open', 'explained']),
  explainedBy: z.string().nullable(),
  explainedAt: time.nullable(),
  explanation: z.string().nullable(),
  foundAt: time,
});
export type Difference = z.infer<typeof difference>;
export const differencePage = pageOf(difference);
export const differenceFilter = { ...reconciliationFilter, state: z.enum(['open', 'explained']).optional() };
export const differenceQuery = z.strictObject({ ...pageQuery('dif'), ...differenceFilter });
export const differenceParam = z.strictObject({ date, id });
export const explanation = z.strictObject({ reason: z.string().trim().min(1).max(500) });
