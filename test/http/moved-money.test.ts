import { expect, test } from 'vitest';
import type { Account, Payment } from '../../src/http/schemas/billing.ts';
import type { Bill, BillingRun } from '../../src/http/schemas/bills.ts';
import type { PaymentOrder } from '../../src/http/schemas/payment-orders.ts';
import { type ApiClient, makeHousehold, startTestGateway, VILLAGE } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { makeWorld, type Page, withKey } from './stage.ts';

/** Other people move into a house: they get an account of their own, its boiler moves to that, and each sees only their own money. */

const LISTS = ['bills', 'payments', 'payment-orders', 'ledger', 'notices', 'account', 'tariff', 'billing-mode'];

async function statusesOf(api: ApiClient, paths: string[]): Promise<number[]> {
  const answers = await Promise.all(paths.map((path) => api.get(path)));
  return answers.map(({ status }) => status);
}

const everythingOf = (household: string, things: { bill?: string; payment: string; order: string }) => [
  ...LISTS.map((list) => `/households/${household}/${list}`),
  ...(things.bill === undefined ? [] : [`/bills/${things.bill}`]),
  `/payments/${things.payment}/receipt`,
  `/payment-orders/${things.order}`,
];

test('who moves in sees nothing of the money of those before, and those before see nothing of theirs', async () => {
  await using gateway = await startTestGateway({ overrides: { payments: { sandbox: true } } });
  const before = await makeWorld(gateway, 'before', VILLAGE);
  const after = await makeHousehold(gateway);
  const { id } = after.household;
  await gateway.admin.patch(`/terminals/${before.terminal.id}`, { householdId: id });

  const { body: paid } = await after.clerk.post<Payment>(
    `/households/${id}/payments`,
    { amountFen: 500, method: 'cash', reference: 'after' },
    withKey(),
  );
  const { body: order } = await after.resident.post<PaymentOrder>(
    `/households/${id}/payment-orders`,
    { amountFen: 100, provider: 'sandbox' },
    withKey(),
  );
  const oldThings = { bill: before.bill.id, payment: before.payment.id, order: before.order.id };
  const old = everythingOf(before.household.id, oldThings);
  const own = everythingOf(id, { payment: paid.id, order: order.id });
  const none = (paths: string[]) => paths.map(() => 404);
  for (const people of [after.resident, after.clerk]) expect(await statusesOf(people, old)).toEqual(none(old));
  for (const people of [before.resident, before.clerk]) expect(await statusesOf(people, own)).toEqual(none(own));
  // They were there to be hidden.
  expect(new Set(await statusesOf(before.resident, old))).toEqual(new Set([200]));
  expect(new Set(await statusesOf(after.resident, own))).toEqual(new Set([200]));
  const { body: payments } = await after.resident.get<Page<Payment>>(`/households/${id}/payments`);
  expect(payments.items.map((one) => one.id)).toEqual([paid.id]);

  // The boiler used gas in that month, for which those before were billed.
  const month = { period: '2025-11' };
  const { body: begun } = await after.clerk.post<BillingRun>('/billing-runs', month, withKey());
  await eventually(
    async () => (await after.clerk.get<BillingRun>(`/billing-runs/${begun.id}`)).body.finishedAt !== null,
  );
  const { body: bills } = await after.resident.get<Page<Bill>>(`/households/${id}/bills`);
  expect(bills.items.filter(({ totalFen }) => totalFen !== 0)).toEqual([]);
  expect((await after.resident.get<Account>(`/households/${id}/account`)).body.balanceFen).toBe(500);
});
