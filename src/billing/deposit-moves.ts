import { sql, type Transaction } from 'kysely';
import { type Caller, visibleHouseholds } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';
import { type Fen, toFen } from '../lib/money.ts';

/** What moved deposits, of one household and of all together. A reversal counts as less of what it takes back. */

const SIDES = ['debit', 'credit'] as const;
type Side = (typeof SIDES)[number];

const KIND = sql<string>`coalesce(reversed.kind, transfers.kind)`;

/** A deposit grows by credits. */
const grownBy = (side: Side, sum: number | string): Fen => (side === 'credit' ? toFen(sum) : -toFen(sum));

/** How a deposit account came to what it holds, by kind of transfer. */
export async function movesOf(db: Database | Transaction<Tables>, accountId: string) {
  const moves: { kind: string; amountFen: Fen }[] = [];
  for (const side of SIDES) {
    const rows = await db
      .selectFrom('entries')
      .innerJoin('transfers', 'transfers.id', 'entries.transferId')
      .leftJoin('transfers as reversed', 'reversed.id', 'transfers.reverses')
      .select((row) => [KIND.as('kind'), row.fn.sum<number | string>('entries.amountFen').as('sum')])
      .where(`entries.${side}`, '=', accountId)
      .where('entries.phase', '=', 'posted')
      .groupBy(KIND)
      .execute();
    moves.push(...rows.map(({ kind, sum }) => ({ kind, amountFen: grownBy(side, sum) })));
  }
  return moves;
}

/** In the statement, what was offset and given back stands above zero. `corrected` is what came about in any other way. */
const COLUMNS = {
  deposit_receive: ['receivedFen', 1n],
  deposit_offset: ['offsetFen', -1n],
  deposit_refund: ['refundedFen', -1n],
} as const;

export interface DepositStatement {
  companyId: string;
  companyName: string;
  /** The county, by the six digits of its code. */
  areaCode: string;
  openingFen: Fen;
  receivedFen: Fen;
  offsetFen: Fen;
  refundedFen: Fen;
  correctedFen: Fen;
  closingFen: Fen;
}

export interface StatementQuery {
  companyId?: string | undefined;
  areaCode?: string | undefined;
  /** Epoch ms; `to` is not in it. */
  from: number;
  to: number;
}

const isColumn = (kind: string): kind is keyof typeof COLUMNS => kind in COLUMNS;

async function sumsOf(db: Database, caller: Caller, side: Side, { companyId, areaCode, from, to }: StatementQuery) {
  const county = sql<string>`substr(households.area_code, 1, 6)`;
  const sumWhen = (condition: ReturnType<typeof sql>) =>
    sql<number | string>`sum(case when ${condition} then entries.amount_fen else 0 end)`;
  const rows = await db
    .selectFrom('households')
    .where(visibleHouseholds(caller))
    .$if(areaCode !== undefined, (query) => query.where('households.areaCode', 'like', `${areaCode}%`))
    .innerJoin('accounts', 'accounts.householdId', 'households.id')
    .where('accounts.kind', '=', 'deposit')
    .$if(companyId !== undefined, (query) => query.where('accounts.companyId', '=', companyId ?? ''))
    .innerJoin('companies', 'companies.id', 'accounts.companyId')
    .innerJoin('entries', `entries.${side}`, 'accounts.id')
    .where('entries.phase', '=', 'posted')
    .innerJoin('transfers', 'transfers.id', 'entries.transferId')
    .where('transfers.at', '<', to)
    .leftJoin('transfers as reversed', 'reversed.id', 'transfers.reverses')
    .select(['accounts.companyId', 'companies.name as companyName', county.as('areaCode'), KIND.as('kind')])
    .select([sumWhen(sql`transfers.at < ${from}`).as('before'), sumWhen(sql`transfers.at >= ${from}`).as('within')])
    .groupBy(['accounts.companyId', 'companies.name', county, KIND])
    .execute();
  return rows.map((row) => ({ ...row, before: grownBy(side, row.before), within: grownBy(side, row.within) }));
}

/** By company and county: what was held at the beginning, what moved, and what is held at the end. */
export async function depositStatement(
  db: Database,
  caller: Caller,
  query: StatementQuery,
): Promise<DepositStatement[]> {
  const statements = new Map<string, DepositStatement>();
  for (const side of SIDES) {
    for (const { companyId, companyName, areaCode, kind, before, within } of await sumsOf(db, caller, side, query)) {
      const key = `${companyId} ${areaCode}`;
      const statement = statements.get(key) ?? emptyStatement(companyId, companyName, areaCode);
      statements.set(key, statement);
      const [column, sign] = isColumn(kind) ? COLUMNS[kind] : (['correctedFen', 1n] as const);
      statement.openingFen += before;
      statement[column] += sign * within;
      statement.closingFen += before + within;
    }
  }
  return [...statements.values()].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

const sortKey = ({ companyName, companyId, areaCode }: DepositStatement) => `${companyName} ${companyId} ${areaCode}`;

const emptyStatement = (companyId: string, companyName: string, areaCode: string): DepositStatement => ({
  companyId,
  companyName,
  areaCode,
  openingFen: 0n,
  receivedFen: 0n,
  offsetFen: 0n,
  refundedFen: 0n,
  correctedFen: 0n,
  closingFen: 0n,
});
