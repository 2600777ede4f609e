import type { Database } from '../db/database.ts';
import type { HouseholdRow } from '../db/schema.ts';
import type { BillRow } from '../db/schema-bills.ts';
import { daysOfMonth } from '../lib/calendar.ts';
import type { MadeBill } from './make-bill.ts';
import type { PrepareBills } from './prepare-bills.ts';

/** What bills of a period would be if they were made now. */

export interface MadeNow {
  household: HouseholdRow;
  made: MadeBill;
  firstDay: string;
}

/** By household; one that has no meter or no tariff any more is left out. */
export const createMakeAnew =
  ({ db, prepare }: { db: Database; prepare: PrepareBills }) =>
  async (bills: BillRow[], period: string): Promise<Map<string, MadeNow>> => {
    const found = new Map<string, MadeNow>();
    const rows = await db
      .selectFrom('households')
      .innerJoin('companies', 'companies.id', 'households.companyId')
      .selectAll('households')
      .select('companies.name as companyName')
      .where(
        'households.id',
        'in',
        bills.map(({ householdId }) => householdId),
      )
      .execute();
    const through = bills[0]?.lastDay ?? '';
    for (const [companyName, own] of Map.groupBy(rows, (row) => row.companyName)) {
      const households = own.map(({ companyName: _, ...household }) => household);
      const prepared = await prepare(households, { companyName, from: daysOfMonth(period).from, through });
      for (const household of households) {
        const one = prepared.get(household.id);
        if (one && 'made' in one) found.set(household.id, { household, ...one });
      }
    }
    return found;
  };
export type MakeAnew = ReturnType<typeof createMakeAnew>;
