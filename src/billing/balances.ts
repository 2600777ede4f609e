import { sql, type Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import type { AccountRow } from '../db/schema-billing.ts';
import { chunksOf } from '../lib/chunks.ts';
import { type Fen, toFen } from '../lib/money.ts';
import { sideOf } from './accounts.ts';

/** Balances are sums of lines, each read from an index that holds the amounts. */

export interface Balance {
  postedFen: Fen;
  /** What is reserved to come and to go, both above zero; neither is in `postedFen`. */
  pendingInFen: Fen;
  pendingOutFen: Fen;
}

type Reader = Database | Transaction<Tables>;
type Side = 'debit' | 'credit';

const ACCOUNTS_AT_ONCE = 500;

async function sumsOf(db: Reader, side: Side, ids: string[]) {
  return db
    .selectFrom('entries')
    .select((row) => [`${side} as id` as const, 'phase', row.fn.sum<number | string>('amountFen').as('sum')])
    .where(side, 'in', ids)
    .groupBy([side, 'phase'])
    .execute();
}

/** By account, each with an answer, in the order asked. */
export async function balancesOf(db: Reader, accounts: readonly AccountRow[]): Promise<Map<AccountRow, Balance>> {
  const sums = new Map<string, Fen>();
  for (const some of chunksOf(accounts, ACCOUNTS_AT_ONCE)) {
    const ids = some.map(({ id }) => id);
    for (const side of ['debit', 'credit'] as const) {
      for (const { id, phase, sum } of await sumsOf(db, side, ids)) sums.set(`${side} ${phase} ${id}`, toFen(sum));
    }
  }
  return new Map(
    accounts.map((account) => {
      const sum = (side: Side, phase: string) => sums.get(`${side} ${phase} ${account.id}`) ?? 0n;
      const [grows, shrinks]: [Side, Side] = sideOf(account.kind) === 1n ? ['debit', 'credit'] : ['credit', 'debit'];
      return [
        account,
        {
          postedFen: sum(grows, 'posted') - sum(shrinks, 'posted'),
          pendingInFen: sum(grows, 'pending'),
          pendingOutFen: sum(shrinks, 'pending'),
        },
      ];
    }),
  );
}

/** The newest first. `balanceFen` is the balance after it, in the order of writing. */
export async function entriesOf(db: Reader, account: AccountRow, { limit, cursor }: Page) {
  const side = sideOf(account.kind);
  const rows = await db
    .selectFrom('accountEntries as entry')
    .innerJoin('transfers as transfer', 'transfer.id', 'entry.transferId')
    .leftJoin('transfers as reversal', 'reversal.reverses', 'transfer.id')
    .select(['entry.id', 'entry.transferId', 'entry.otherId', 'entry.amountFen'])
    .select(['transfer.kind', 'transfer.at', 'transfer.byName', 'transfer.reason', 'transfer.reference'])
    .select(['transfer.reverses', 'reversal.id as reversedBy'])
    .where('entry.accountId', '=', account.id)
    .where('entry.phase', '=', 'posted')
    .$if(cursor !== undefined, (query) => query.where('entry.id', '<', cursor ?? ''))
    .orderBy('entry.id', 'desc')
    .limit(limit + 1)
    .execute();
  const { items, nextCursor } = pageOf(rows, limit);
  let after = items[0] ? side * (await sumUntil(db, account.id, items[0].id)) : 0n;
  return {
    nextCursor,
    items: items.map((item) => {
      const amountFen = side * toFen(item.amountFen);
      const balanceFen = after;
      after -= amountFen;
      return { ...item, amountFen, balanceFen };
    }),
  };
}
export type LedgerEntry = Awaited<ReturnType<typeof entriesOf>>['items'][number];

/** Debits less credits, up to and with this line. */
async function sumUntil(db: Reader, accountId: string, entryId: string): Promise<Fen> {
  const { sum } = await db
    .selectFrom('accountEntries')
    .select(sql<number | string | null>`sum(amount_fen)`.as('sum'))
    .where('accountId', '=', accountId)
    .where('phase', '=', 'posted')
    .where('id', '<=', entryId)
    .executeTakeFirstOrThrow();
  return toFen(sum ?? 0);
}
