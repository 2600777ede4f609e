import { sql } from 'kysely';
import type { Database } from '../../src/db/database.ts';

/** The accounts whose kept balance is not what their lines add up to, summed by code that shares nothing with the gateway's. */
export async function wronglyKept(db: Database): Promise<string[]> {
  const kept = await db.selectFrom('balances').selectAll().execute();
  const { rows } = await sql<{ phase: string; debit: string; credit: string; amountFen: number }>`
    select phase, debit, credit, amount_fen from entries`.execute(db);
  const sums = new Map<string, number>();
  const add = (key: string, amount: number) => sums.set(key, (sums.get(key) ?? 0) + amount);
  for (const { phase, debit, credit, amountFen } of rows) {
    add(`${debit} debit ${phase}`, amountFen);
    add(`${credit} credit ${phase}`, amountFen);
  }
  const known = new Set(kept.map(({ accountId }) => accountId));
  const missing = [...sums.keys()].map((key) => key.split(' ')[0] ?? '').filter((id) => !known.has(id));
  const wrong = kept.filter(
    ({ accountId, debitFen, creditFen, pendingDebitFen, pendingCreditFen }) =>
      debitFen !== (sums.get(`${accountId} debit posted`) ?? 0) ||
      creditFen !== (sums.get(`${accountId} credit posted`) ?? 0) ||
      pendingDebitFen !== (sums.get(`${accountId} debit pending`) ?? 0) ||
      pendingCreditFen !== (sums.get(`${accountId} credit pending`) ?? 0),
  );
  return [...missing, ...wrong.map(({ accountId }) => accountId)];
}
