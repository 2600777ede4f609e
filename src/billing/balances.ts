import type { Transaction } from 'kysely';
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

/** The newest lines of one side, each with what it does to the balance. */
async function linesOf(db: Reader, account: AccountRow, side: Side, { limit, cursor }: Page) {
  const rows = await db
    .selectFrom('entries')
    .innerJoin('transfers', 'transfers.id', 'entries.transferId')
    .leftJoin('transfers as reversal', 'reversal.reverses', 'transfers.id')
    .select(['entries.id', 'entries.transferId', 'entries.debit', 'entries.credit', 'entries.amountFen'])
    .select(['transfers.kind', 'transfers.at', 'transfers.byName', 'transfers.reason', 'transfers.reference'])
    .select(['transfers.reverses', 'reversal.id as reversedBy'])
    .where(`entries.${side}`, '=', account.id)
    .where('entries.phase', '=', 'posted')
    .$if(cursor !== undefined, (query) => query.where('entries.id', '<', cursor ?? ''))
    .orderBy('entries.id', 'desc')
    .limit(limit + 1)
    .execute();
  const grows = (side === 'debit') === (sideOf(account.kind) === 1n);
  return rows.map(({ debit, credit, amountFen, ...row }) => ({
    ...row,
    otherId: side === 'debit' ? credit : debit,
    amountFen: grows ? toFen(amountFen) : -toFen(amountFen),
  }));
}

/** The newest first. `balanceFen` is the balance after the line, in the order of writing. */
export async function entriesOf(db: Reader, account: AccountRow, page: Page) {
  const debits = await linesOf(db, account, 'debit', page);
  const credits = await linesOf(db, account, 'credit', page);
  const rows = [...debits, ...credits].sort((a, b) => (a.id < b.id ? 1 : -1));
  const { items, nextCursor } = pageOf(rows, page.limit);
  let after = items[0] ? await balanceUntil(db, account, items[0].id) : 0n;
  return {
    nextCursor,
    items: items.map((item) => {
      const balanceFen = after;
      after -= item.amountFen;
      return { ...item, balanceFen };
    }),
  };
}
export type LedgerEntry = Awaited<ReturnType<typeof entriesOf>>['items'][number];

/** Up to and with this line. */
async function balanceUntil(db: Reader, { id, kind }: AccountRow, entryId: string): Promise<Fen> {
  const sumOf = async (side: Side): Promise<Fen> => {
    const { sum } = await db
      .selectFrom('entries')
      .select((row) => row.fn.sum<number | string | null>('amountFen').as('sum'))
      .where(side, '=', id)
      .where('phase', '=', 'posted')
      .where('id', '<=', entryId)
      .executeTakeFirstOrThrow();
    return toFen(sum ?? 0);
  };
  return sideOf(kind) * ((await sumOf('debit')) - (await sumOf('credit')));
}
