import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Caller } from '../areas/scope.ts';
import { sideOf } from '../billing/accounts.ts';
import type { Database } from '../db/database.ts';
import { type Fen, toFen } from '../lib/money.ts';

/**
 * 科目余额表: of each company, what each kind of account had at the beginning of some time, what was debited 借 and credited 贷 in it, and what
 * it has at the end. Counted back from the balances that the database keeps, so that a late time costs little however old the books are.
 */

export interface AccountStatement {
  companyId: string;
  companyName: string;
  /** As in the ledger: `cash`, `clearing:wechat`, `heating` of all households together … */
  kind: string;
  /** On which side it grows: its balances are above zero there. */
  side: 'debit' | 'credit';
  openingFen: Fen;
  debitFen: Fen;
  creditFen: Fen;
  closingFen: Fen;
}

export interface AccountsQuery {
  companyId?: string | undefined;
  /** From this time on, and before the other; in ms. */
  from: number;
  to: number;
}

/** What the company holds or is owed, what it owes and earned. Of a kind with several, by name. */
const ORDER = ['cash', 'bank', 'clearing', 'subsidy_due', 'fees', 'adjustments', 'heating', 'deposit', 'subsidy'];

const DAY_MS = 86_400_000;

interface Sums {
  debitFen: Fen;
  creditFen: Fen;
}
type ByKind = Map<string, Sums>;

const none = (): Sums => ({ debitFen: 0n, creditFen: 0n });
const netOf = ({ debitFen, creditFen }: Sums = none()): Fen => debitFen - creditFen;

async function keptSums(db: Database, companyId: string): Promise<ByKind> {
  const rows = await db
    .selectFrom('accounts')
    .innerJoin('balances', 'balances.accountId', 'accounts.id')
    .where('accounts.companyId', '=', companyId)
    .select('accounts.kind')
    .select((row) => row.fn.sum<number | string>('balances.debitFen').as('debit'))
    .select((row) => row.fn.sum<number | string>('balances.creditFen').as('credit'))
    .groupBy('accounts.kind')
    .execute();
  return new Map(rows.map(({ kind, debit, credit }) => [kind, { debitFen: toFen(debit), creditFen: toFen(credit) }]));
}

/** What the lines of some time debit, or credit, by kind of account. */
const linesOf = (db: Database, companyId: string, from: number, to: number, side: 'debit' | 'credit') =>
  db
    .selectFrom('transfers')
    .innerJoin('entries', 'entries.transferId', 'transfers.id')
    .innerJoin('accounts', 'accounts.id', `entries.${side}`)
    .where('transfers.companyId', '=', companyId)
    .where('transfers.at', '>=', from)
    .where('transfers.at', '<', to)
    .where('entries.phase', '=', 'posted')
    .select(['accounts.kind', sql.lit(side).as('side')])
    .select((row) => row.fn.sum<number | string>('entries.amountFen').as('fen'))
    .groupBy('accounts.kind');

/** A day at a time, so that others have their turn in between. */
async function movedSums(db: Database, companyId: string, from: number, to: number): Promise<ByKind> {
  const sums: ByKind = new Map();
  const { first, last } = await db
    .selectFrom('transfers')
    .where('companyId', '=', companyId)
    .where('at', '>=', from)
    .where('at', '<', to)
    .select((row) => [row.fn.min<number | string | null>('at').as('first'), row.fn.max('at').as('last')])
    .executeTakeFirstOrThrow();
  if (first === null || last === null) return sums;
  for (let start = Number(first); start <= Number(last); start += DAY_MS) {
    const end = Math.min(start + DAY_MS, to);
    const lines = linesOf(db, companyId, start, end, 'debit').unionAll(linesOf(db, companyId, start, end, 'credit'));
    for (const { kind, side, fen } of await lines.execute()) {
      const sum = sums.get(kind) ?? none();
      sums.set(kind, sum);
      sum[`${side}Fen`] += toFen(fen);
    }
    await nextTurn();
  }
  return sums;
}

function rank(kind: string): string {
  const [group = ''] = kind.split(':');
  const at = ORDER.indexOf(group);
  return `${String(at < 0 ? ORDER.length : at).padStart(2, '0')} ${kind}`;
}

export async function accountStatements(
  db: Database,
  caller: Caller,
  { companyId, from, to }: AccountsQuery,
  now: number,
): Promise<AccountStatement[]> {
  const companies = await db
    .selectFrom('companies')
    .select(['id', 'name'])
    .$if(caller.role !== 'admin', (query) => query.where('id', '=', caller.companyId ?? ''))
    .$if(companyId !== undefined, (query) => query.where('id', '=', companyId ?? ''))
    .orderBy('name')
    .orderBy('id')
    .execute();
  const statements: AccountStatement[] = [];
  for (const { id, name } of companies) {
    // What is booked from now on is in none of the three.
    const kept = await keptSums(db, id);
    const since = to < now ? await movedSums(db, id, to, now) : new Map<string, Sums>();
    const within = await movedSums(db, id, from, Math.min(to, now));
    for (const kind of [...kept.keys()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1))) {
      const sign = sideOf(kind);
      const closing = netOf(kept.get(kind)) - netOf(since.get(kind));
      const moved = within.get(kind) ?? none();
      statements.push({
        companyId: id,
        companyName: name,
        kind,
        side: sign === 1n ? 'debit' : 'credit',
        openingFen: sign * (closing - netOf(moved)),
        ...moved,
        closingFen: sign * closing,
      });
    }
  }
  return statements;
}

/** What all of them were debited and credited. */
export function movedIn(statements: readonly Sums[]): Sums {
  const total = none();
  for (const { debitFen, creditFen } of statements) {
    total.debitFen += debitFen;
    total.creditFen += creditFen;
  }
  return total;
}
