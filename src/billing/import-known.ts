import { counted } from '../db/counted.ts';
import type { Database } from '../db/database.ts';
import type { HouseholdRow } from '../db/schema.ts';
import type { HouseholdTariffRow } from '../db/schema-bills.ts';
import type { HouseholdOpeningRow } from '../db/schema-imports.ts';
import type { Mode, Terms } from './terms.ts';

/** What the gateway has already of the households that some rows name. */

export interface KnownHousehold {
  household: HouseholdRow;
  /** Not of an import that is under way elsewhere. */
  counts: boolean;
  opening: HouseholdOpeningRow | undefined;
  hasEntries: boolean;
  /** The newest of each metric. */
  tariffs: HouseholdTariffRow[];
  mode: Mode | undefined;
}

/** By account number, whoever's they are. */
export async function knownHouseholds(
  { db, terms, today }: { db: Database; terms: Terms; today: string },
  accountNos: string[],
): Promise<Map<string, KnownHousehold>> {
  if (accountNos.length === 0) return new Map();
  const households = await db
    .selectFrom('households')
    .selectAll()
    .select(counted('households').as('counts'))
    .where('accountNo', 'in', accountNos)
    .execute();
  if (households.length === 0) return new Map();
  const ids = households.map(({ id }) => id);
  const openings = await db.selectFrom('householdOpenings').selectAll().where('householdId', 'in', ids).execute();
  const moved = await db
    .selectFrom('transfers')
    .select('householdId')
    .distinct()
    .where('householdId', 'in', ids)
    .execute();
  const tariffs = await db
    .selectFrom('householdTariffs')
    .selectAll()
    .where('householdId', 'in', ids)
    .orderBy('since', 'desc')
    .execute();
  const modes = await terms.modesOn(households, today);
  const openingOf = new Map(openings.map((row) => [row.householdId, row]));
  const withEntries = new Set(moved.map(({ householdId }) => householdId));
  return new Map(
    households.map(({ counts, ...household }) => [
      household.accountNo,
      {
        household,
        counts: Boolean(counts),
        opening: openingOf.get(household.id),
        hasEntries: withEntries.has(household.id),
        tariffs: tariffs.filter(({ householdId }) => householdId === household.id),
        mode: modes.get(household.id),
      },
    ]),
  );
}
