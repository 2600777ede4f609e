/** The rows of money. Amounts are fen. */

export interface PaymentRow {
  id: string;
  householdId: string;
  amountFen: number;
  method: 'cash' | 'transfer';
  reference: string;
  receivedBy: string;
  receivedAt: number;
}

export interface BillingTables {
  payments: PaymentRow;
}
