import type { Transaction } from 'kysely';
import { type Caller, ofCompany } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import type { DifferenceRow } from '../db/schema-orders.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { ProviderName } from './providers/provider.ts';
import type { Difference } from './statement.ts';

/** What differs between a provider's statement and what we have, until a person says why. */

const ROWS_AT_ONCE = 500;

export function createDifferences({ db, clock }: { db: Database; clock: Clock }) {
  /** Kept in memory, so that `/metrics` needs no database. */
  let open = 0;

  async function recount(): Promise<void> {
    const { count } = await db
      .selectFrom('differences')
      .select((row) => row.fn.countAll<number | string>().as('count'))
      .where('state', '=', 'open')
      .executeTakeFirstOrThrow();
    open = Number(count);
  }

  /** What was explained stays so; what is not there any more goes. */
  async function note(transaction: Transaction<Tables>, provider: ProviderName, date: string, found: Difference[]) {
    const known = await transaction
      .selectFrom('differences')
      .select(['sameAs', 'state'])
      .where('provider', '=', provider)
      .where('date', '=', date)
      .execute();
    const now = new Set(found.map(({ sameAs }) => sameAs));
    const gone = known.filter(({ sameAs, state }) => state === 'open' && !now.has(sameAs)).map(({ sameAs }) => sameAs);
    for (let at = 0; at < gone.length; at += ROWS_AT_ONCE) {
      await transaction
        .deleteFrom('differences')
        .where('provider', '=', provider)
        .where('date', '=', date)
        .where('sameAs', 'in', gone.slice(at, at + ROWS_AT_ONCE))
        .execute();
    }
    for (const difference of found) {
      await transaction
        .insertInto('differences')
        .values({
          id: newId('dif'),
          provider,
          date,
          ...difference,
          state: 'open',
          explainedBy: null,
          explainedAt: null,
          explanation: null,
          foundAt: clock.now(),
        })
        .onConflict((conflict) => conflict.columns(['provider', 'date', 'sameAs']).doNothing())
        .execute();
    }
  }

  return {
    note,
    recount,
    /** How many nobody has explained. */
    open: (): number => open,

    /** The newest first. A company sees those of its own orders. */
    async list(
      caller: Caller,
      filter: Page & {
        provider?: string | undefined;
        date?: string | undefined;
        state?: DifferenceRow['state'] | undefined;
      },
    ) {
      const { limit, cursor, provider, date, state } = filter;
      const rows = await db
        .selectFrom('differences')
        .selectAll()
        .where(ofCompany(caller, 'companyId'))
        .$if(provider !== undefined, (query) => query.where('provider', '=', provider ?? ''))
        .$if(date !== undefined, (query) => query.where('date', '=', date ?? ''))
        .$if(state !== undefined, (query) => query.where('state', '=', state ?? 'open'))
        .$if(cursor !== undefined, (query) => query.where('id', '<', cursor ?? ''))
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(rows, limit);
    },

    /** A person says why. Once; `recount` when that is committed. */
    async explain(
      transaction: Transaction<Tables>,
      caller: Caller,
      { date, id, reason }: { date: string; id: string; reason: string },
    ): Promise<DifferenceRow> {
      const found = await transaction
        .selectFrom('differences')
        .selectAll()
        .where('id', '=', id)
        .where('date', '=', date)
        .where(ofCompany(caller, 'companyId'))
        .executeTakeFirst();
      if (!found) throw new GatewayError('not_found');
      const explained = { explainedBy: caller.name, explainedAt: clock.now(), explanation: reason };
      const { numUpdatedRows } = await transaction
        .updateTable('differences')
        .set({ state: 'explained', ...explained })
        .where('id', '=', id)
        .where('state', '=', 'open')
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) throw new GatewayError('wrong_state', 'It is explained already');
      return { ...found, state: 'explained', ...explained };
    },
  };
}
export type Differences = ReturnType<typeof createDifferences>;
