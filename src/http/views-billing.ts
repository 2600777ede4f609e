import { kindOf } from '../billing/accounts.ts';
import type { LedgerEntry } from '../billing/balances.ts';
import type { DepositStatement } from '../billing/deposit-moves.ts';
import type { Payment } from '../billing/payments.ts';
import type { HouseholdRow } from '../db/schema.ts';
import type { AuditAction } from '../db/schema-audit.ts';
import { rfc3339 } from '../lib/calendar.ts';
import { fromFen, inCapitals } from '../lib/money.ts';
import type { LedgerEntry as LedgerEntryView, Payment as PaymentView, Receipt } from './schemas/billing.ts';
import type { DepositStatement as DepositStatementView } from './schemas/deposits.ts';
import { orNull } from './views.ts';

/** How money looks in the API. */

/** `2026-000123`, without a gap within a company and a year. */
const receiptNo = ({ receiptYear, receiptNumber }: Payment): string =>
  `${receiptYear}-${String(receiptNumber).padStart(6, '0')}`;

/** What the audit says of a payment at the counter. */
export const auditOfPayment = (action: AuditAction) => (payment: Payment) => ({
  action,
  subject: payment.id,
  detail: {
    amountFen: payment.amountFen,
    method: payment.method,
    reference: payment.reference,
    receiptNo: receiptNo(payment),
    ...(payment.reversalReason !== null && { reason: payment.reversalReason }),
  },
});

export const paymentView = (row: Payment): PaymentView => ({
  id: row.id,
  householdId: row.householdId,
  purpose: row.purpose,
  amountFen: row.amountFen,
  method: row.method,
  reference: row.reference,
  receiptNo: receiptNo(row),
  receivedBy: row.receivedBy,
  receivedAt: rfc3339(row.receivedAt),
  reversedAt: orNull(row.reversedAt),
  reversedBy: row.reversedBy,
  reversalReason: row.reversalReason,
});

export const receiptView = (row: Payment, { accountNo, address }: HouseholdRow, companyName: string): Receipt => ({
  ...paymentView(row),
  companyName,
  accountNo,
  payerName: row.payerName,
  address,
  amountZh: inCapitals(BigInt(row.amountFen)),
});

export const ledgerEntryView = (row: LedgerEntry): LedgerEntryView => ({
  id: row.id,
  transferId: row.transferId,
  kind: row.kind,
  against: kindOf(row.otherId),
  at: rfc3339(row.at),
  by: row.byName,
  amountFen: fromFen(row.amountFen),
  balanceFen: fromFen(row.balanceFen),
  reference: row.reference,
  reason: row.reason,
  reverses: row.reverses,
  reversedBy: row.reversedBy,
});

export const depositStatementView = (row: DepositStatement): DepositStatementView => ({
  companyId: row.companyId,
  companyName: row.companyName,
  areaCode: row.areaCode,
  openingFen: fromFen(row.openingFen),
  receivedFen: fromFen(row.receivedFen),
  offsetFen: fromFen(row.offsetFen),
  refundedFen: fromFen(row.refundedFen),
  correctedFen: fromFen(row.correctedFen),
  closingFen: fromFen(row.closingFen),
});
