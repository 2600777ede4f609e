import { type Caller, visibleHouseholds } from '../areas/scope.ts';
import type { StatementQuery } from '../billing/deposit-moves.ts';
import type { Database } from '../db/database.ts';
import { type Fen, toFen } from '../lib/money.ts';

/** What came in over some time, by company, method and who took it; and what of it, or of earlier payments, was given back in that time. */

export interface Taking {
  companyId: string;
  companyName: string;
  method: string;
  /** The clerk; for a provider, the provider. */
  receivedBy: string;
  count: number;
  amountFen: Fen;
  givenBackCount: number;
  givenBackFen: Fen;
}

interface Sum {
  companyId: string;
  companyName: string;
  method: string;
  by: string;
  count: number | string | bigint;
  sum: number | string;
}

const NOTHING = { count: 0, amountFen: 0n, givenBackCount: 0, givenBackFen: 0n };

export async function takingsOf(db: Database, caller: Caller, query: StatementQuery): Promise<Taking[]> {
  const { companyId, areaCode, from, to } = query;
  const payments = () =>
    db
      .selectFrom('payments')
      .innerJoin('households', 'households.id', 'payments.householdId')
      .innerJoin('companies', 'companies.id', 'payments.companyId')
      .where(visibleHouseholds(caller))
      .$if(companyId !== undefined, (found) => found.where('payments.companyId', '=', companyId ?? ''))
      .$if(areaCode !== undefined, (found) => found.where('households.areaCode', 'like', `${areaCode}%`))
      .select(['payments.companyId', 'companies.name as companyName', 'payments.method'])
      .select((row) => [row.fn.countAll().as('count'), row.fn.sum<number | string>('payments.amountFen').as('sum')]);

  const received: Sum[] = await payments()
    .select('payments.receivedBy as by')
    .where('payments.receivedAt', '>=', from)
    .where('payments.receivedAt', '<', to)
    .groupBy(['payments.companyId', 'companies.name', 'payments.method', 'payments.receivedBy'])
    .execute();
  const reversed: Sum[] = await payments()
    .innerJoin('transfers as reversal', 'reversal.reverses', 'payments.transferId')
    .select('reversal.byName as by')
    .where('reversal.at', '>=', from)
    .where('reversal.at', '<', to)
    .groupBy(['payments.companyId', 'companies.name', 'payments.method', 'reversal.byName'])
    .execute();
  const refunded: Sum[] = await db
    .selectFrom('paymentRefunds')
    .innerJoin('paymentOrders', 'paymentOrders.id', 'paymentRefunds.orderId')
    .innerJoin('households', 'households.id', 'paymentOrders.householdId')
    .innerJoin('companies', 'companies.id', 'households.companyId')
    .where(visibleHouseholds(caller))
    .$if(companyId !== undefined, (found) => found.where('households.companyId', '=', companyId ?? ''))
    .$if(areaCode !== undefined, (found) => found.where('households.areaCode', 'like', `${areaCode}%`))
    .where('paymentRefunds.state', '=', 'done')
    .where('paymentRefunds.doneAt', '>=', from)
    .where('paymentRefunds.doneAt', '<', to)
    .select(['households.companyId', 'companies.name as companyName', 'paymentRefunds.provider as method'])
    .select('paymentRefunds.provider as by')
    .select((row) => [row.fn.countAll().as('count'), row.fn.sum<number | string>('paymentRefunds.amountFen').as('sum')])
    .groupBy(['households.companyId', 'companies.name', 'paymentRefunds.provider'])
    .execute();

  const takings = new Map<string, Taking>();
  const of = ({ companyId: company, companyName, method, by }: Sum): Taking => {
    const key = JSON.stringify([companyName, company, method, by]);
    const known = takings.get(key) ?? { companyId: company, companyName, method, receivedBy: by, ...NOTHING };
    takings.set(key, known);
    return known;
  };
  for (const sum of received) {
    const taking = of(sum);
    taking.count += Number(sum.count);
    taking.amountFen += toFen(sum.sum);
  }
  for (const sum of [...reversed, ...refunded]) {
    const taking = of(sum);
    taking.givenBackCount += Number(sum.count);
    taking.givenBackFen += toFen(sum.sum);
  }
  return [...takings].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, taking]) => taking);
}
