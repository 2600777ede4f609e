import type { Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import type { AccountRow } from '../db/schema-billing.ts';
import { chunksOf } from '../lib/chunks.ts';
import { type Fen, toFen } from '../lib/money.ts';
import { sideOf } from './accounts.ts';

/** Balances are sums of lines, which the database keeps with each line that is written. */

export interface Balance {
  postedFen: Fen;
  /** What is reserved to come and to go, both above zero; neither is in `postedFen`. */
  pendingInFen: Fen;
  pendingOutFen: Fen;
}

type Reader = Database | Transaction<Tables>;
type Side = 'debit' | 'credit';

const ACCOUNTS_AT_ONCE = 500;
const NOTHING: Balance = { postedFen: 0n, pendingInFen: 0n, pendingOutFen: 0n };

/** By account, each with an answer, in the order asked. */
export async function balancesOf(db: Reader, accounts: readonly AccountRow[]): Promise<Map<AccountRow, Balance>> {
  const found = new Map(accounts.map((account) => [account, NOTHING]));
  for (const some of chunksOf(accounts, ACCOUNTS_AT_ONCE)) {
    const ids = some.map(({ id }) => id);
    const rows = await db.selectFrom('balances').selectAll().where('accountId', 'in', ids).execute();
    const rowOf = new Map(rows.map((row) => [row.accountId, row]));
    for (const account of some) {
      const row = rowOf.get(account.id);
      if (!row) continue;
      const isDebit = sideOf(account.kind) === 1n;
      found.set(account, {
        postedFen: sideOf(account.kind) * (toFen(row.debitFen) - toFen(row.creditFen)),
        pendingInFen: toFen(isDebit ? row.pendingDebitFen : row.pendingCreditFen),
        pendingOutFen: toFen(isDebit ? row.pendingCreditFen : row.pendingDebitFen),
      });
    }
  }
  return found;
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

/** Up to and with this line: what there is now, less what came later. One statement, so that nothing comes in between. */
async function balanceUntil(db: Reader, { id, kind }: AccountRow, entryId: string): Promise<Fen> {
  const row = await db
    .selectFrom('balances')
    .select((from) => {
      const later = (side: Side) =>
        from
          .selectFrom('entries')
          .select((entry) => entry.fn.sum<number | string | null>('amountFen').as('sum'))
          .where(side, '=', id)
          .where('phase', '=', 'posted')
          .where('id', '>', entryId)
          .as(side);
      return ['debitFen' as const, 'creditFen' as const, later('debit'), later('credit')];
    })
    .where('accountId', '=', id)
    .executeTakeFirstOrThrow();
  const debits = toFen(row.debitFen) - toFen(row.debit ?? 0);
  const credits = toFen(row.creditFen) - toFen(row.credit ?? 0);
  return sideOf(kind) * (debits - credits);
}
