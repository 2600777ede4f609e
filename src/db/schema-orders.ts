/** The rows of payment providers. Amounts are fen, times epoch ms. */

/** `held`: the provider says something else than was asked, and people must look. */
export const ORDER_STATES = ['open', 'paid', 'closed', 'refunding', 'refunded', 'held'] as const;
export type OrderState = (typeof ORDER_STATES)[number];

export interface PaymentOrderRow {
  /** Also the provider's `out_trade_no`. */
  id: string;
  householdId: string;
  /** Of the household when it was made: its money stays there. */
  companyId: string;
  billId: string | null;
  provider: string;
  amountFen: number;
  /** What came back of it. */
  refundedFen: number;
  state: OrderState;
  codeUrl: string | null;
  transactionId: string | null;
  /** What was odd about it. */
  note: string | null;
  createdBy: string;
  createdAt: number;
  expiresAt: number;
  paidAt: number | null;
  /** When the provider is asked next; null when there is nothing to ask. */
  askAt: number | null;
  /** How often it was asked, and how often in a row that failed. */
  asked: number;
  failed: number;
}

export interface PaymentRefundRow {
  id: string;
  orderId: string;
  provider: string;
  /** The provider's `out_refund_no`: `id`, unless it was made at the provider. */
  refundNo: string;
  amountFen: number;
  reason: string;
  state: 'pending' | 'done' | 'failed';
  requestedBy: string;
  createdAt: number;
  doneAt: number | null;
}

export const HELD_REASONS = [
  'other_merchant',
  'other_app',
  'other_currency',
  'unknown_order',
  'other_amount',
  /** The order was paid by another transaction, or this transaction paid another order. */
  'second_payment',
  'other_transaction',
  /** It is taken when the payment comes. */
  'refund_before_payment',
  'more_than_paid',
] as const;
export type HeldReason = (typeof HELD_REASONS)[number];

/** What a provider told, by itself or because it was asked. */
export interface PaymentNotificationRow {
  id: string;
  provider: string;
  /** The provider's; of an answer, what it was an answer to. */
  notificationId: string;
  source: 'notification' | 'query';
  kind: 'payment' | 'refund' | 'other';
  orderId: string | null;
  companyId: string | null;
  transactionId: string | null;
  amountFen: number | null;
  state: 'taken' | 'held';
  reason: HeldReason | null;
  /** JSON of the fact. */
  content: string;
  receivedAt: number;
  /** Of a held one: who looked after it, when, and what was done. */
  resolvedBy: string | null;
  resolvedAt: number | null;
  resolution: string | null;
}

export interface ReconciliationRow {
  id: string;
  provider: string;
  /** `2026-11-24`, in Asia/Shanghai. */
  date: string;
  state: 'running' | 'done' | 'failed';
  startedAt: number;
  finishedAt: number | null;
  lineCount: number;
  paidFen: number;
  refundedFen: number;
  feeFen: number;
  detail: string | null;
}

export const DIFFERENCE_KINDS = [
  'missing_here',
  'missing_there',
  'amount_differs',
  'state_differs',
  'duplicate',
] as const;
type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

export interface DifferenceRow {
  id: string;
  provider: string;
  date: string;
  /** What makes it the same when the day is compared again. */
  sameAs: string;
  kind: DifferenceKind;
  /** Whether it is about a payment or a refund. */
  about: 'payment' | 'refund';
  orderId: string | null;
  companyId: string | null;
  transactionId: string | null;
  oursFen: number | null;
  theirsFen: number | null;
  state: 'open' | 'explained';
  explainedBy: string | null;
  explainedAt: number | null;
  explanation: string | null;
  foundAt: number;
}

export interface OrderTables {
  paymentOrders: PaymentOrderRow;
  paymentRefunds: PaymentRefundRow;
  paymentNotifications: PaymentNotificationRow;
  reconciliations: ReconciliationRow;
  differences: DifferenceRow;
}
