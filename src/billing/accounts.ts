import type { AccountRow } from '../db/schema-billing.ts';

/**
 * The accounts 科目 of the ledger. Each has a side: what a household has with its company (heating, deposit, subsidy) and what the
 * company earned grow by credits 贷; what the company holds or is owed grows by debits 借.
 */

/** What a household has: its money for heating (below zero: what it owes), its deposit 押金, and the subsidy granted to it and not used. */
export type HouseholdAccountKind = 'heating' | 'deposit' | 'subsidy';

/** What a company has: money in the till and in the bank, what a provider holds for it, what providers keep as fees, what the county owes it, what it earned, what it forgave, and what its books began with. */
export type CompanyAccountKind =
  | 'cash'
  | 'bank'
  | `clearing:${string}`
  | 'fees'
  | 'subsidy_due'
  | 'revenue'
  | 'adjustments'
  | 'opening';

export type Account = AccountRow;

export const householdAccount = (
  { id, companyId }: { id: string; companyId: string },
  kind: HouseholdAccountKind,
): Account => ({ id: `${id}:${kind}`, companyId, householdId: id, kind });

export const companyAccount = (companyId: string, kind: CompanyAccountKind): Account => ({
  id: `${companyId}:${kind}`,
  companyId,
  householdId: null,
  kind,
});

/** From the id of an account: owners have no colon in theirs. */
export const kindOf = (id: string): string => id.slice(id.indexOf(':') + 1);

const GROW_BY_CREDITS: ReadonlySet<string> = new Set<HouseholdAccountKind | CompanyAccountKind>([
  'heating',
  'deposit',
  'subsidy',
  'revenue',
  'opening',
]);

/** 1 for an account that grows by debits, -1 for one that grows by credits: times a sum of debits less credits, it is what people call its balance. */
export const sideOf = (kind: string): 1n | -1n => (GROW_BY_CREDITS.has(kind) ? -1n : 1n);

/** Accounts that never fall below zero, whoever posts and whatever for. */
export const NEVER_BELOW_ZERO: ReadonlySet<string> = new Set<HouseholdAccountKind>(['deposit', 'subsidy']);
