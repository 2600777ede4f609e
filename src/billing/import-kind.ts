import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import type { HouseholdOpeningRow } from '../db/schema-imports.ts';
import { type RowError, rowError } from '../imports/errors.ts';
import type { ImportKind } from '../imports/kind.ts';
import type { Clock } from '../lib/clock.ts';
import { toFen } from '../lib/money.ts';
import { companyAccount, householdAccount } from './accounts.ts';
import { createHouseholdCheck, type ImportedHousehold } from './import-check.ts';
import { COLUMNS, type Column, EXAMPLES, HOUSEHOLD_ERRORS } from './import-words.ts';
import type { Ledger, Line, Posting } from './ledger.ts';
import type { Tariff } from './tariff-schema.ts';
import type { Terms } from './terms.ts';

/**
 * Households from a file, with what they begin with. They are written under the import's id and do not count before it is done; money, which
 * is never taken back, is booked for them when all of them are written and nothing can be wrong any more.
 */

const CHUNK = 100;

const hasMoney = ({ heatingFen, depositFen, subsidyFen }: HouseholdOpeningRow): boolean =>
  heatingFen !== 0 || depositFen !== 0 || subsidyFen !== 0;

/** One transfer for each household, ever: its id is made of the household's. */
function postingOf(row: HouseholdOpeningRow & { companyId: string }, { by, at }: { by: string; at: number }): Posting {
  const { householdId: id, companyId, importId } = row;
  const opening = companyAccount(companyId, 'opening');
  const kinds = { heating: row.heatingFen, deposit: row.depositFen, subsidy: row.subsidyFen } as const;
  const lines = (['heating', 'deposit', 'subsidy'] as const).flatMap((kind): Line[] => {
    const account = householdAccount({ id, companyId }, kind);
    const amountFen = toFen(kinds[kind]);
    if (amountFen === 0n) return [];
    return amountFen > 0n
      ? [{ debit: opening, credit: account, amountFen }]
      : [{ debit: account, credit: opening, amountFen: -amountFen }];
  });
  return { id: `opn_${id}`, kind: 'opening', companyId, householdId: id, reference: importId, at, by, lines };
}

export function householdImports(parts: {
  db: Database;
  clock: Clock;
  ledger: Ledger;
  terms: Terms;
  tariffs: ReadonlyMap<string, Tariff>;
}): ImportKind<Column> {
  const { db, clock, ledger, terms, tariffs } = parts;

  /** Another may have come before: who has the number, or what it begins with, keeps it. */
  async function write(made: ImportedHousehold[]): Promise<RowError[]> {
    const households = made.flatMap(({ household }) => household ?? []);
    const openings = made.flatMap(({ opening }) => opening ?? []);
    return db.transaction().execute(async (transaction) => {
      const written = new Set<string>();
      if (households.length > 0) {
        const rows = await transaction
          .insertInto('households')
          .values(households)
          .onConflict((conflict) => conflict.column('accountNo').doNothing())
          .returning('id')
          .execute();
        for (const { id } of rows) written.add(id);
      }
      const late = made.filter(({ household }) => household && !written.has(household.id));
      const errors = late.map(({ row, household }) =>
        rowError(row, 'accountNo', 'account_taken', household?.accountNo),
      );
      if (errors.length > 0 || openings.length === 0) return errors;
      const begun = await transaction
        .insertInto('householdOpenings')
        .values(openings)
        .onConflict((conflict) => conflict.column('householdId').doNothing())
        .returning('householdId')
        .execute();
      const kept = new Set(begun.map(({ householdId }) => householdId));
      return made
        .filter(({ opening }) => opening && !kept.has(opening.householdId))
        .map(({ row }) => rowError(row, 'accountNo', 'has_entries'));
    });
  }

  async function undo(importId: string): Promise<void> {
    for (const [table, key] of [
      ['householdOpenings', 'householdId'],
      ['households', 'id'],
    ] as const) {
      for (;;) {
        const some = db.selectFrom(table).select(key).where('importId', '=', importId).limit(CHUNK);
        const { numDeletedRows } = await db.deleteFrom(table).where(key, 'in', some).executeTakeFirstOrThrow();
        if (numDeletedRows === 0n) break;
        await nextTurn();
      }
    }
  }

  return {
    columns: COLUMNS,
    required: ['accountNo', 'name', 'areaCode'],
    examples: EXAMPLES,
    errors: HOUSEHOLD_ERRORS,
    // What others do meanwhile is seen when it is written.
    alone: (task) => task(),
    undo,

    async openPass({ id: importId }, caller) {
      const check = await createHouseholdCheck({ db, terms, tariffs, caller, importId, now: clock.now() });
      return {
        end: () => [],
        async rows(some) {
          const { made, ...found } = await check(some);
          return {
            ...found,
            created: made.filter(({ household }) => household).length,
            booked: made.filter(({ opening }) => opening && hasMoney(opening)).length,
            write: () => write(made),
          };
        },
        commit: async () => ({}),
      };
    },

    async book(importId, after) {
      const { requestedName: by, createdAt: at } = await db
        .selectFrom('imports')
        .select(['requestedName', 'createdAt'])
        .where('id', '=', importId)
        .executeTakeFirstOrThrow();
      const rows = await db
        .selectFrom('householdOpenings')
        .innerJoin('households', 'households.id', 'householdOpenings.householdId')
        .selectAll('householdOpenings')
        .select('households.companyId')
        .where('householdOpenings.importId', '=', importId)
        .where('householdOpenings.householdId', '>', after)
        .orderBy('householdOpenings.householdId')
        .limit(CHUNK)
        .execute();
      const last = rows.at(-1);
      if (!last) return undefined;
      await db.transaction().execute(async (transaction) => {
        await terms.beginAll(transaction, rows, by);
        await ledger.postAll(
          transaction,
          rows.filter(hasMoney).map((row) => postingOf(row, { by, at })),
        );
      });
      return { last: last.householdId, count: rows.length };
    },
  };
}
