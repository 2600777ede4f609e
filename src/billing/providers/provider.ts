import type { Fen } from '../../lib/money.ts';

/** What the gateway asks of a payment provider, and what it learns from one. All say the same whatever the provider is. */

export const PROVIDERS = ['wechat', 'alipay', 'sandbox'] as const;
export type ProviderName = (typeof PROVIDERS)[number];

/** Somebody has paid an order. */
export interface PaymentFact {
  kind: 'payment';
  orderId: string;
  /** The provider's own number of the payment. */
  transactionId: string;
  amountFen: Fen;
  /** Epoch ms. */
  at: number;
}

/** A refund has come to its end. */
export interface RefundFact {
  kind: 'refund';
  orderId: string;
  transactionId: string;
  /** Ours where we asked for it; else the one under which it was made at the provider. */
  refundId: string;
  amountFen: Fen;
  outcome: 'done' | 'failed';
  /** Epoch ms. */
  at: number;
}
export type Fact = PaymentFact | RefundFact;

/** Why something that is truly the provider's is not for us. */
export type Foreign = 'other_merchant' | 'other_app' | 'other_currency';

export interface Notification {
  /** The provider's: the same when it is sent again. */
  id: string;
  /** Null for an event that changes nothing, such as a trade that was closed. */
  fact: Fact | null;
  foreign: Foreign | null;
}

export type IntentState =
  | { state: 'open' | 'closed' | 'unknown' }
  | { state: 'paid'; fact: PaymentFact; foreign: Foreign | null };

interface Intent {
  orderId: string;
  amountFen: Fen;
  /** Shown to who pays. */
  description: string;
  /** Epoch ms. */
  expiresAt: number;
}

interface RefundRequest {
  refundId: string;
  orderId: string;
  transactionId: string;
  amountFen: Fen;
  /** What was paid. */
  totalFen: Fen;
  reason: string;
}

/** One row of a day's statement. */
export interface StatementLine {
  kind: 'payment' | 'refund';
  orderId: string;
  /** Of a refund. */
  refundId: string | null;
  transactionId: string;
  amountFen: Fen;
  /** What the provider keeps of a payment, or gives back of it with a refund; negative for that. */
  feeFen: Fen;
  state: 'done' | 'pending' | 'failed';
}

export type Headers = Record<string, string | string[] | undefined>;

/** Calls reject with `GatewayError`: `provider_unavailable` while there is no answer, `provider_refused` when it is no. */
export interface PaymentProvider {
  name: ProviderName;
  /** Gives the text of the QR code. The same order may be asked for again. */
  createIntent(intent: Intent): Promise<string>;
  queryIntent(orderId: string): Promise<IntentState>;
  /** Nobody can pay it afterwards. Rejects with `provider_refused` when somebody has. */
  closeIntent(orderId: string): Promise<void>;
  /** May be asked again with the same `refundId`, and gives then how far that one is. */
  refund(request: RefundRequest): Promise<{ state: 'pending' | 'done' | 'failed' }>;
  /** Throws `ForgedNotification` when the provider did not send it just now. */
  verifyNotification(rawBody: Buffer, headers: Headers): Notification;
  /** What the provider counted on a day `2026-11-24` of Asia/Shanghai. Empty when nothing was. */
  fetchStatement(date: string): Promise<StatementLine[]>;
  /** What the provider wants to hear for a notification that was taken, and for one that was not. */
  answers: Record<'taken' | 'refused', { type: string; body: string }>;
}

/** A notification that the provider did not send, did not send now, or not as it came. */
export class ForgedNotification extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'ForgedNotification';
  }
}
