import { stateOf } from '../billing/notifications.ts';
import type {
  DifferenceRow,
  PaymentNotificationRow,
  PaymentOrderRow,
  PaymentRefundRow,
  ReconciliationRow,
} from '../db/schema-orders.ts';
import { rfc3339 } from '../lib/calendar.ts';
import type {
  Difference,
  PaymentNotification,
  PaymentOrder,
  PaymentOrderSummary,
  PaymentRefund,
  Reconciliation,
} from './schemas/payment-orders.ts';
import { orNull } from './views.ts';

/** How money of providers looks in the API. */

export const orderSummaryView = (row: PaymentOrderRow): PaymentOrderSummary => ({
  id: row.id,
  householdId: row.householdId,
  billId: row.billId,
  provider: row.provider,
  amountFen: row.amountFen,
  refundedFen: row.refundedFen,
  state: row.state,
  codeUrl: row.state === 'open' ? row.codeUrl : null,
  transactionId: row.transactionId,
  note: row.note,
  createdBy: row.createdBy,
  createdAt: rfc3339(row.createdAt),
  expiresAt: rfc3339(row.expiresAt),
  paidAt: orNull(row.paidAt),
});

const refundView = (row: PaymentRefundRow): PaymentRefund => ({
  id: row.id,
  amountFen: row.amountFen,
  reason: row.reason,
  state: row.state,
  requestedBy: row.requestedBy,
  createdAt: rfc3339(row.createdAt),
  doneAt: orNull(row.doneAt),
});

export const orderView = (row: PaymentOrderRow, refunds: PaymentRefundRow[]): PaymentOrder => ({
  ...orderSummaryView(row),
  refunds: refunds.map(refundView),
});

export const notificationView = (row: PaymentNotificationRow): PaymentNotification => ({
  id: row.id,
  provider: row.provider,
  notificationId: row.notificationId,
  source: row.source,
  kind: row.kind,
  orderId: row.orderId,
  transactionId: row.transactionId,
  amountFen: row.amountFen,
  state: stateOf(row),
  reason: row.reason,
  receivedAt: rfc3339(row.receivedAt),
  resolvedBy: row.resolvedBy,
  resolvedAt: orNull(row.resolvedAt),
  resolution: row.resolution,
});

export const reconciliationView = (row: ReconciliationRow): Reconciliation => ({
  ...row,
  startedAt: rfc3339(row.startedAt),
  finishedAt: orNull(row.finishedAt),
});

export const differenceView = (row: DifferenceRow): Difference => ({
  id: row.id,
  provider: row.provider,
  date: row.date,
  kind: row.kind,
  about: row.about,
  orderId: row.orderId,
  transactionId: row.transactionId,
  oursFen: row.oursFen,
  theirsFen: row.theirsFen,
  state: row.state,
  explainedBy: row.explainedBy,
  explainedAt: orNull(row.explainedAt),
  explanation: row.explanation,
  foundAt: rfc3339(row.foundAt),
});
