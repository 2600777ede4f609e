import { type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import { counted } from '../db/counted.ts';
import type { Role, Tables } from '../db/schema.ts';

/** Who asks: a user or an API key, and what it reaches. */
export interface Caller {
  id: string;
  /** Written into histories: a user name, or `key:` and the key's name. */
  name: string;
  role: Role;
  companyId: string | null;
  areaCode: string | null;
  householdId: string | null;
  /** The user who asks, or who made the API key that does; null when nobody knows who made it. */
  personId?: string | null;
}

/** The person behind a caller; of an API key whose maker nobody knows, the key itself. */
export const personOf = ({ id, personId }: Caller): string => personId ?? id;

/** Where a thing belongs. */
export interface Place {
  areaCode: string | null;
  companyId: string | null;
  householdId: string | null;
}

/** An admin sees all, an operator an area and all below it, a company its own, a resident one household. */
export function sees(caller: Caller, place: Place): boolean {
  switch (caller.role) {
    case 'admin':
      return true;
    case 'operator':
      return caller.areaCode !== null && (place.areaCode ?? '').startsWith(caller.areaCode);
    case 'company':
      return caller.companyId !== null && place.companyId === caller.companyId;
    case 'resident':
      return caller.householdId !== null && place.householdId === caller.householdId;
  }
}

function householdsInScope(caller: Caller, row: ExpressionBuilder<Tables, 'households'>) {
  switch (caller.role) {
    case 'admin':
      return row.lit(true);
    case 'operator':
      return row('households.areaCode', 'like', `${caller.areaCode}%`);
    case 'company':
      return row('households.companyId', '=', caller.companyId ?? '');
    case 'resident':
      return row('households.id', '=', caller.householdId ?? '');
  }
}

/** The same rule as a condition on rows of `households`, of those that count. */
export const visibleHouseholds = (caller: Caller) => (row: ExpressionBuilder<Tables, 'households'>) =>
  row.and([householdsInScope(caller, row), counted('households')]);

/** The same rule as a condition on rows of `terminals`. */
export function visibleTerminals(caller: Caller) {
  return (row: ExpressionBuilder<Tables, 'terminals'>) => {
    switch (caller.role) {
      case 'admin':
        return row.lit(true);
      case 'operator':
        return row('terminals.areaCode', 'like', `${caller.areaCode}%`);
      case 'company':
        return row('terminals.companyId', '=', caller.companyId ?? '');
      case 'resident':
        return row('terminals.householdId', '=', caller.householdId ?? '');
    }
  };
}

/** The same rule as a condition on rows of `commandBatches`: a company's own, and for an operator those of areas within theirs. */
export function visibleBatches(caller: Caller) {
  return (row: ExpressionBuilder<Tables, 'commandBatches'>) => {
    switch (caller.role) {
      case 'admin':
        return row.lit(true);
      case 'operator':
        return row('commandBatches.areaCode', 'like', `${caller.areaCode}%`);
      case 'company':
        return row('commandBatches.companyId', '=', caller.companyId ?? '');
      case 'resident':
        return row.lit(false);
    }
  };
}

/** A terminal may have stood in another household before, whose history is not the resident's. Epoch ms. */
export const visibleSince = (caller: Caller, terminal: { householdSince: number | null }): number =>
  caller.role === 'resident' && terminal.householdSince !== null ? terminal.householdSince : Number.NEGATIVE_INFINITY;

/** The same rule as a condition on the time of rows that are joined with `terminals`. */
export function sinceVisible(caller: Caller, column: 'commands.createdAt' | 'alarms.openedAt') {
  const since = sql<number>`coalesce(terminals.household_since, 0)`;
  return caller.role === 'resident' ? sql<SqlBool>`${sql.ref(column)} >= ${since}` : sql<SqlBool>`true`;
}

/** Rows of a company, for those who keep its books; null is nobody's but the admin's. */
export const ofCompany = (caller: Caller, column: 'companyId') =>
  caller.role === 'admin' ? sql<SqlBool>`true` : sql<SqlBool>`${sql.ref(column)} = ${caller.companyId ?? ''}`;
