import type { Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';
import type { BillingModeRow, HouseholdTariffRow } from '../db/schema-bills.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Tariff } from './tariff-schema.ts';

/** Under which tariff and in which mode a household is billed, each from a day on; what was before stays known. */

export type Mode = Pick<BillingModeRow, 'mode' | 'emergencyCreditFen' | 'since'>;

const USUAL_MODE: Mode = { mode: 'postpaid', emergencyCreditFen: 0, since: '2000-01-01' };

export function createTerms({
  db,
  clock,
  tariffs,
}: {
  db: Database;
  clock: Clock;
  tariffs: ReadonlyMap<string, Tariff>;
}) {
  /** In force on a day: a household's own, else its company's. */
  async function modesOn(households: { id: string; companyId: string }[], day: string): Promise<Map<string, Mode>> {
    const subjects = [...new Set(households.flatMap(({ id, companyId }) => [id, companyId]))];
    const rows = await db
      .selectFrom('billingModes')
      .selectAll()
      .where('subjectId', 'in', subjects)
      .where('since', '<=', day)
      .orderBy('since')
      .execute();
    const last = new Map(rows.map((row) => [row.subjectId, row]));
    return new Map(households.map(({ id, companyId }) => [id, last.get(id) ?? last.get(companyId) ?? USUAL_MODE]));
  }

  return {
    /** Throws when there is no such tariff. */
    async setTariff(
      transaction: Transaction<Tables>,
      householdId: string,
      { tariff, since, tierReset }: { tariff: string; since: string; tierReset?: string | undefined },
      by: string,
    ): Promise<HouseholdTariffRow> {
      const metric = tariffs.get(tariff)?.metric;
      if (metric === undefined) throw new GatewayError('unknown_reference', `There is no tariff ${tariff}`);
      const set = { tariff, tierReset: tierReset ?? null, setBy: by, setAt: clock.now() };
      const row = { householdId, metric, since, ...set };
      await transaction
        .insertInto('householdTariffs')
        .values(row)
        .onConflict((conflict) => conflict.columns(['householdId', 'metric', 'since']).doUpdateSet(set))
        .execute();
      return row;
    },

    /** The newest first. */
    tariffsOf: (householdId: string): Promise<HouseholdTariffRow[]> =>
      db
        .selectFrom('householdTariffs')
        .selectAll()
        .where('householdId', '=', householdId)
        .orderBy('since', 'desc')
        .orderBy('metric')
        .execute(),

    async setMode(
      transaction: Transaction<Tables>,
      subjectId: string,
      { since, mode, emergencyCreditFen }: Mode,
      by: string,
    ): Promise<Mode> {
      const set = { mode, emergencyCreditFen, setBy: by, setAt: clock.now() };
      await transaction
        .insertInto('billingModes')
        .values({ subjectId, since, ...set })
        .onConflict((conflict) => conflict.columns(['subjectId', 'since']).doUpdateSet(set))
        .execute();
      return { since, mode, emergencyCreditFen };
    },

    /** The first terms of households that are new, those that there are; whoever set one before keeps it. */
    async beginAll(
      transaction: Transaction<Tables>,
      begun: { householdId: string; tariff: string | null; mode: Mode['mode'] | null; since: string }[],
      by: string,
    ): Promise<void> {
      const set = { setBy: by, setAt: clock.now() };
      const tariffRows = begun.flatMap(({ householdId, tariff, since }) => {
        const metric = tariffs.get(tariff ?? '')?.metric;
        return tariff === null || metric === undefined
          ? []
          : [{ householdId, metric, since, tariff, tierReset: null, ...set }];
      });
      const modeRows = begun.flatMap(({ householdId, mode, since }) =>
        mode === null ? [] : [{ subjectId: householdId, since, mode, emergencyCreditFen: 0, ...set }],
      );
      if (tariffRows.length > 0) {
        await transaction
          .insertInto('householdTariffs')
          .values(tariffRows)
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
      if (modeRows.length > 0) {
        await transaction
          .insertInto('billingModes')
          .values(modeRows)
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
    },

    modesOn,
    async modeOn(household: { id: string; companyId: string }, day: string): Promise<Mode> {
      return (await modesOn([household], day)).get(household.id) ?? USUAL_MODE;
    },
  };
}
export type Terms = ReturnType<typeof createTerms>;
