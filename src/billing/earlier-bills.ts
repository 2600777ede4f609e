import type { Database } from '../db/database.ts';
import type { Earlier } from './make-bill.ts';
import { daysKept } from './meter-use.ts';
import type { BillLine } from './pricing.ts';

/** What households were billed between two days, by household: of bills that hold. Nothing is read when the days are the same. */
export const createEarlierBills =
  (db: Database) =>
  async (householdIds: string[], from: string, before: string): Promise<Map<string, Earlier>> => {
    const found = new Map<string, Earlier>();
    if (from >= before || householdIds.length === 0) return found;
    const bills = db
      .selectFrom('bills')
      .where('bills.householdId', 'in', householdIds)
      .where('bills.state', '=', 'issued')
      .where('bills.lastDay', '>=', from)
      .where('bills.lastDay', '<', before);
    const earlierOf = (householdId: string): Earlier => {
      const own = found.get(householdId) ?? { lines: [], usage: [] };
      found.set(householdId, own);
      return own;
    };
    for (const { householdId, lines } of await bills.select(['householdId', 'lines']).orderBy('id').execute()) {
      const read: BillLine[] = JSON.parse(lines);
      earlierOf(householdId).lines.push(...read);
    }
    const usage = await bills
      .innerJoin('billUsage', 'billUsage.billId', 'bills.id')
      .select(['householdId', 'metric', 'billUsage.firstDay', 'thousandths', 'qualities'])
      .execute();
    for (const row of usage) earlierOf(row.householdId).usage.push({ metric: row.metric, days: daysKept(row) });
    return found;
  };
