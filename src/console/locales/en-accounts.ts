import type { Accounts } from './zh-accounts.ts';

export const accounts: Accounts = {
  payment: {
    list: 'Payments',
    none: 'No payments yet',
    form: 'Record a payment',
    amount: 'Amount (yuan)',
    amountWrong: 'Enter an amount from 0.01 to 1,000,000 with at most two decimals',
    method: 'Method',
    methods: { cash: 'Cash', transfer: 'Transfer' },
    reference: 'Reference',
    referenceHint: 'Receipt or transfer number',
    referenceMissing: 'Enter a reference',
    submit: 'Record payment',
    done: 'Payment recorded: {{amount}}, receipt number {{receipt}}',
    another: 'Record another',
    receipt: 'Receipt number',
    time: 'Time',
  },
};
