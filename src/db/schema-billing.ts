/** The rows of money. Amounts are fen. */

/** What a transfer is for. */
export const TRANSFER_KINDS = [
  'opening',
  'payment',
  'refund',
  'adjustment',
  'deposit_receive',
  'deposit_offset',
  'deposit_refund',
  'bill',
  'subsidy',
  /** What a provider's statement says comes to the bank, and what it keeps. */
  'settlement',
  'reversal',
] as const;
export type TransferKind = (typeof TRANSFER_KINDS)[number];

export interface AccountRow {
  /** `{household or company}:{kind}` */
  id: string;
  companyId: string;
  /** Null for an account of the company itself. */
  householdId: string | null;
  kind: string;
}

export interface TransferRow {
  id: string;
  kind: TransferKind;
  phase: 'pending' | 'posted' | 'voided' | 'expired';
  companyId: string;
  householdId: string | null;
  at: number;
  byName: string;
  reason: string | null;
  reference: string | null;
  /** Of a pending one. */
  expiresAt: number | null;
  /** The pending transfer that this one posts, voids or lets expire; at most one does. */
  settles: string | null;
  /** The transfer that this one takes back; at most one does. */
  reverses: string | null;
  lineCount: number;
  /** Hash of what was asked for. */
  content: string;
}

/** One line of a transfer. In the phase `pending`, an amount below zero releases what was reserved. */
export interface EntryRow {
  id: string;
  transferId: string;
  line: number;
  phase: 'pending' | 'posted';
  debit: string;
  credit: string;
  amountFen: number;
}

/** What the lines of an account add up to. The database keeps it with every line; nothing else writes it. */
interface BalanceRow {
  accountId: string;
  debitFen: number;
  creditFen: number;
  pendingDebitFen: number;
  pendingCreditFen: number;
}

/** Money that came in. `transferId` is the posting in the ledger. */
export interface PaymentRow {
  id: string;
  companyId: string;
  householdId: string;
  transferId: string;
  purpose: 'heating' | 'deposit';
  amountFen: number;
  /** `cash`, `transfer`, or the name of a provider. */
  method: string;
  reference: string;
  /** As the household was called then. */
  payerName: string;
  receivedBy: string;
  receivedAt: number;
  receiptYear: number;
  /** Without a gap for each company and year. */
  receiptNumber: number;
}

interface ReceiptNumberRow {
  companyId: string;
  year: number;
  last: number;
}

export interface BillingTables {
  accounts: AccountRow;
  transfers: TransferRow;
  entries: EntryRow;
  balances: BalanceRow;
  payments: PaymentRow;
  receiptNumbers: ReceiptNumberRow;
}
