import { sql } from 'kysely';
import type { Database } from '../db/database.ts';

/** Whether what the database keeps is what its lines say: found by adding all of them up again. */

/** Ids, in their order, at most a few of each: one is enough to know that somebody wrote past the gateway. */
export interface LedgerCheck {
  entries: number;
  /** Accounts whose kept balance is not the sum of their lines. */
  accounts: string[];
  /** Transfers that have not as many lines as they say. */
  transfers: string[];
}

const MOST = 5;

const idsOf = (rows: { id: string }[]): string[] => rows.map(({ id }) => id);

/** One statement, so that it sees one moment of a ledger that grows. */
const WRONG_ACCOUNTS = sql<{ id: string }>`
  select account_id as id from (
    select account_id, debit_fen as debit, credit_fen as credit, pending_debit_fen as coming, pending_credit_fen as going from balances
    union all
    select debit, case phase when 'posted' then -amount_fen else 0 end, 0, case phase when 'pending' then -amount_fen else 0 end, 0
    from entries
    union all
    select credit, 0, case phase when 'posted' then -amount_fen else 0 end, 0, case phase when 'pending' then -amount_fen else 0 end
    from entries
  ) as sides
  group by account_id having sum(debit) <> 0 or sum(credit) <> 0 or sum(coming) <> 0 or sum(going) <> 0
  order by account_id limit ${sql.lit(MOST)}`;

const SHORT_TRANSFERS = sql<{ id: string }>`
  select id from transfers
  where line_count <> (select count(*) from entries where entries.transfer_id = transfers.id)
  order by id limit ${sql.lit(MOST)}`;

export async function checkLedger(db: Database): Promise<LedgerCheck> {
  const { count } = await db
    .selectFrom('entries')
    .select((row) => row.fn.countAll<number | string>().as('count'))
    .executeTakeFirstOrThrow();
  return {
    entries: Number(count),
    accounts: idsOf((await WRONG_ACCOUNTS.execute(db)).rows),
    transfers: idsOf((await SHORT_TRANSFERS.execute(db)).rows),
  };
}
