import { describe, expect, test } from 'vitest';
import type { Account, Booked, LedgerEntry, Payment, Receipt } from '../../src/http/schemas/billing.ts';
import type { Household } from '../../src/http/schemas/people.ts';
import { newSecret } from '../../src/lib/ids.ts';
import { type ApiClient, VILLAGE } from '../helpers/gateway.ts';
import { allPages, type Page, startVillages, withKey } from './stage.ts';

/** What is done with money after it was received: receipts, reversals, adjustments, and the ledger of it all. */

const { gateway, mine, theirs } = await startVillages();

let made = 0;
async function newHousehold(companyId = mine.company.id): Promise<Household> {
  const { body } = await gateway.admin.post<Household>('/households', {
    accountNo: `L-${++made}`,
    name: `Payer ${made}`,
    areaCode: VILLAGE,
    companyId,
  });
  return body;
}

type Done = Booked & Payment & { code?: string };
const CASH = { amountFen: 12_345, method: 'cash', reference: 'R-1' };
const pay = (household: Household, body: object = CASH, by: ApiClient = mine.clerk) =>
  by.post<Done>(`/households/${household.id}/payments`, body, withKey());
const reverse = (household: Household, paymentId: string, { by = mine.clerk, key = newSecret() } = {}) =>
  by.post<Done>(`/households/${household.id}/payments/${paymentId}/reverse`, { reason: 'typed wrong' }, withKey(key));
const adjust = (household: Household, amountFen: unknown, by: ApiClient = mine.clerk) =>
  by.post<Done>(`/households/${household.id}/adjustments`, { amountFen, reason: 'goodwill' }, withKey());
const balanceOf = async ({ id }: Household) =>
  (await gateway.admin.get<Account>(`/households/${id}/account`)).body.balanceFen;

describe('a payment typed twice', () => {
  test('is refused under another key, names the first, and is booked when it is meant', async () => {
    const household = await newHousehold();
    await pay(household);
    const twice = await pay(household, CASH, gateway.admin);
    expect([twice.status, twice.body.code]).toEqual([409, 'paid_already']);
    expect(await balanceOf(household)).toBe(12_345);
    expect((await pay(household, { ...CASH, again: true })).status).toBe(201);
    expect(await balanceOf(household)).toBe(24_690);
  });

  test('by two clerks at the same moment is booked once', async () => {
    const household = await newHousehold();
    const answers = await Promise.all(Array.from({ length: 10 }, () => pay(household)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(await balanceOf(household)).toBe(12_345);
  });

  test('is another one when the first was taken back, or for another household, amount or method', async () => {
    const household = await newHousehold();
    const { body } = await pay(household);
    await reverse(household, body.id);
    expect((await pay(household)).status).toBe(201);
    expect((await pay(household, { ...CASH, amountFen: 1 })).status).toBe(201);
    expect((await pay(household, { ...CASH, method: 'transfer' })).status).toBe(201);
    expect((await pay(await newHousehold())).status).toBe(201);
  });
});

describe('a reversal', () => {
  test('takes the money back once, with who and why, and leaves the payment where it is', async () => {
    const household = await newHousehold();
    const { body: payment } = await pay(household);
    const reversed = await reverse(household, payment.id);
    const { body: me } = await mine.clerk.get<{ username: string }>('/me');
    expect(reversed.status).toBe(200);
    expect(reversed.body).toMatchObject({
      ...payment,
      reversedAt: expect.any(String),
      reversedBy: me.username,
      reversalReason: 'typed wrong',
    });
    expect(await balanceOf(household)).toBe(0);
    const again = await reverse(household, payment.id);
    expect([again.status, again.body.code]).toEqual([409, 'wrong_state']);
    const { body } = await gateway.admin.get<Page<Payment>>(`/households/${household.id}/payments`);
    expect(body.items).toEqual([reversed.body]);
  });

  test('that ten ask for at once is done once, and with one key all get the same answer', async () => {
    const household = await newHousehold();
    const { body: one } = await pay(household);
    const { body: two } = await pay(household, { ...CASH, reference: 'R-2' });
    const answers = await Promise.all(Array.from({ length: 10 }, () => reverse(household, one.id)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const key = newSecret();
    const same = await Promise.all(Array.from({ length: 10 }, () => reverse(household, two.id, { key })));
    expect(new Set(same.map(({ status, body }) => `${status} ${body.reversedAt}`)).size).toBe(1);
    expect(await balanceOf(household)).toBe(0);
  });

  test('needs a reason, and the household whose payment it is', async () => {
    const household = await newHousehold();
    const { body } = await pay(household);
    const path = `/households/${household.id}/payments/${body.id}/reverse`;
    expect((await mine.clerk.post(path, {}, withKey())).status).toBe(400);
    expect((await mine.clerk.post(path, { reason: ' ' }, withKey())).status).toBe(400);
    expect((await mine.clerk.post(path, { reason: 'no key' })).status).toBe(400);
    expect((await reverse(await newHousehold(), body.id)).status).toBe(404);
    expect(await balanceOf(household)).toBe(12_345);
  });
});

describe('receipts', () => {
  test('of a company are numbered without a gap, also when many are refused', async () => {
    const numberOf = (payment: Payment) => Number(payment.receiptNo.split('-')[1]);
    const house = await newHousehold(theirs.company.id);
    const { body: first } = await pay(house, CASH, theirs.clerk);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        pay(house, { ...CASH, reference: n % 3 === 0 ? CASH.reference : `N-${n}` }, theirs.clerk),
      ),
    );
    const numbers = answers.filter(({ status }) => status === 201).map(({ body }) => numberOf(body));
    expect(numbers).toHaveLength(20);
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => numberOf(first) + 1 + n));
  });

  test('show all that is printed, to who may see the payment', async () => {
    const { household, clerk, resident, company } = mine;
    const { body: payment } = await pay(household, { amountFen: 120_050, method: 'transfer', reference: '收据 8' });
    for (const caller of [clerk, resident, mine.operator, gateway.admin]) {
      const { status, body } = await caller.get<Receipt>(`/payments/${payment.id}/receipt`);
      expect(status).toBe(200);
      expect(body).toEqual({
        ...payment,
        companyName: company.name,
        accountNo: household.accountNo,
        payerName: household.name,
        address: null,
        amountZh: '壹仟贰佰元伍角整',
      });
    }
    for (const caller of [theirs.clerk, theirs.resident, theirs.operator]) {
      expect((await caller.get(`/payments/${payment.id}/receipt`)).status).toBe(404);
    }
  });
});

describe('an adjustment', () => {
  test('forgives or asks, with its reason in the ledger', async () => {
    const household = await newHousehold();
    expect((await adjust(household, 500)).status).toBe(201);
    expect((await adjust(household, -700)).body).toMatchObject({ amountFen: -700 });
    expect(await balanceOf(household)).toBe(-200);
    const { body: me } = await mine.clerk.get<{ username: string }>('/me');
    const { body } = await mine.clerk.get<Page<LedgerEntry>>(`/households/${household.id}/ledger`);
    expect(body.items).toMatchObject([
      { kind: 'adjustment', amountFen: -700, balanceFen: -200, reason: 'goodwill', by: me.username },
      { kind: 'adjustment', amountFen: 500, balanceFen: 500, reason: 'goodwill', by: me.username },
    ]);
  });

  test('of more than the limit is an admin’s', async () => {
    const household = await newHousehold();
    for (const amountFen of [100_001, -100_001]) {
      const { status, body } = await adjust(household, amountFen);
      expect([status, body.code]).toEqual([403, 'forbidden']);
      expect((await adjust(household, amountFen, gateway.admin)).status).toBe(201);
    }
    expect((await adjust(household, 100_000)).status).toBe(201);
    expect(await balanceOf(household)).toBe(100_000);
  });

  test.each([0, 0.5, '100', null, 100_000_001, -100_000_001])('of %s is refused', async (amountFen) => {
    const household = await newHousehold();
    expect((await adjust(household, amountFen, gateway.admin)).status).toBe(400);
  });
});

test('a ledger is paged, the newest first, and adds up to the balance', async () => {
  const household = await newHousehold();
  for (let n = 1; n <= 5; n += 1) await pay(household, { ...CASH, amountFen: n * 100, reference: `P-${n}` });
  await adjust(household, -250);
  const { items, sizes } = await allPages<LedgerEntry>(mine.clerk, `/households/${household.id}/ledger`, 4);
  expect(sizes).toEqual([4, 2]);
  expect(items.map(({ amountFen, balanceFen }) => [amountFen, balanceFen])).toEqual([
    [-250, 1250],
    [500, 1500],
    [400, 1000],
    [300, 600],
    [200, 300],
    [100, 100],
  ]);
  expect(items[1]).toMatchObject({ kind: 'payment', reference: 'P-5' });
});
