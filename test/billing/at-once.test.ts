import { expect, test } from 'vitest';
import { companyAccount, householdAccount } from '../../src/billing/accounts.ts';
import type { Posting } from '../../src/billing/ledger.ts';
import { newId } from '../../src/lib/ids.ts';
import { wronglyKept } from './kept.ts';
import { ACT, type Household, openBooks } from './stage.ts';

/** Many transactions that touch the same accounts, each in an order of its own. */

const ROUNDS = 4;

const billOf = (household: Household, amountFen: bigint): Posting => {
  const [heating, revenue] = [householdAccount(household, 'heating'), companyAccount(household.companyId, 'revenue')];
  // What is given back goes the other way round.
  const [debit, credit] = amountFen > 0n ? [heating, revenue] : [revenue, heating];
  const lines = [{ debit, credit, amountFen: amountFen > 0n ? amountFen : -amountFen }];
  return { id: newId('bill'), kind: 'bill', companyId: household.companyId, householdId: household.id, lines, ...ACT };
};

test('whatever is posted at the same moment comes to its end, and every balance is the sum of its lines', async () => {
  await using books = await openBooks({ households: 12 });
  const { db, ledger, payments, deposits, adjustments, households } = books;
  const admin = { id: 'u', name: 'a', role: 'admin', companyId: null, areaCode: null, householdId: null } as const;
  const together = (action: Parameters<ReturnType<typeof db.transaction>['execute']>[0]) =>
    db.transaction().execute(action);
  /** As a billing run does: households first, then the bills. */
  const run = (own: Household[], amountFen: bigint) =>
    together(async (transaction) => {
      await ledger.lock(
        transaction,
        own.map((one) => householdAccount(one, 'heating')),
      );
      await ledger.postAll(
        transaction,
        own.map((one) => billOf(one, amountFen)),
      );
    });
  for (let round = 0; round < ROUNDS; round += 1) {
    const tasks: Promise<unknown>[] = [run(households, 500n), run(households.toReversed(), -200n)];
    for (const one of households) {
      const cash = { amountFen: 700n, method: 'cash', reference: newId('r') } as const;
      tasks.push(
        together((transaction) => payments.record(transaction, one, cash, ACT)),
        together((transaction) => ledger.post(transaction, billOf(one, round % 2 ? 300n : -300n))),
        together((transaction) =>
          adjustments.adjust(transaction, { caller: admin, payer: one, amountFen: 10n }, { ...ACT, reason: 'x' }),
        ),
        together((transaction) => deposits.receive(transaction, one, { ...cash, amountFen: 100n }, ACT)),
      );
    }
    await Promise.all(tasks);
  }
  expect(await wronglyKept(db)).toEqual([]);
  for (const one of households) {
    const { postedFen } = await ledger.balance(householdAccount(one, 'heating'));
    expect(postedFen).toBe(BigInt(ROUNDS) * (700n + 10n - 500n + 200n));
  }
}, 120_000);
