import { describe, expect, test } from 'vitest';
import type { Account, Payment } from '../../src/http/schemas/billing.ts';
import type { Household } from '../../src/http/schemas/people.ts';
import { newSecret } from '../../src/lib/ids.ts';
import {
  ADMIN,
  type ApiClient,
  makeHousehold,
  makeTerminal,
  signIn,
  startTestGateway,
  VILLAGE,
} from '../helpers/gateway.ts';
import { tempFolder } from '../helpers/temp.ts';
import { allPages, type Page, startVillages, withKey } from './stage.ts';

/** Money received at the counter. */

let accounts = 0;

const { gateway, mine, theirs } = await startVillages();

const CASH = { amountFen: 12_345, method: 'cash', reference: 'R-1' };

/** Another household of my company, with nothing paid. */
async function freshHousehold(): Promise<string> {
  const { body } = await gateway.admin.post<Household>('/households', {
    accountNo: `P-${++accounts}`,
    name: 'Payer',
    areaCode: VILLAGE,
    companyId: mine.company.id,
  });
  return body.id;
}

const pay = (by: ApiClient, household: string, body: unknown, key?: string) =>
  by.post<Payment & { code?: string }>(`/households/${household}/payments`, body, withKey(key));

const balanceOf = async (household: string) =>
  (await gateway.admin.get<Account>(`/households/${household}/account`)).body.balanceFen;
const paymentsOf = async (household: string) =>
  (await gateway.admin.get<Page<Payment>>(`/households/${household}/payments`)).body;

describe('an amount', () => {
  test.each([
    ['zero', 0],
    ['below zero', -1],
    ['of half a fen', 100.5],
    ['as text', '100'],
    ['of yuan as text', '1.00'],
    ['null', null],
    ['true', true],
    ['in a list', [100]],
    ['of more than a million yuan', 100_000_001],
    ['larger than a number can hold', 2 ** 53],
  ])('that is %s is refused and no money is booked', async (_what, amountFen) => {
    const household = await freshHousehold();
    const { status, body } = await pay(mine.clerk, household, { ...CASH, amountFen });
    expect([status, body.code]).toEqual([400, 'invalid_request']);
    expect(await paymentsOf(household)).toEqual({ items: [], nextCursor: null });
    expect(await balanceOf(household)).toBe(0);
  });
});

test.each([
  ['without a reference', { amountFen: 1, method: 'cash' }],
  ['with an empty reference', { ...CASH, reference: ' ' }],
  ['without a method', { amountFen: 1, reference: 'r' }],
  ['by a method that does not exist', { ...CASH, method: 'alipay' }],
  ['with a field that nobody knows', { ...CASH, receivedBy: 'somebody else' }],
  ['with an amount in yuan', { ...CASH, amountYuan: 5 }],
])('a payment %s is refused', async (_what, body) => {
  const household = await freshHousehold();
  expect((await pay(mine.clerk, household, body)).status).toBe(400);
  expect(await balanceOf(household)).toBe(0);
});

test.each([
  ['missing', {}],
  ['empty', { 'idempotency-key': '' }],
  ['two words', { 'idempotency-key': 'two words' }],
  ['too long', { 'idempotency-key': 'k'.repeat(129) }],
])('a payment whose Idempotency-Key is %s is refused, since nobody could repeat it safely', async (_what, headers) => {
  const household = await freshHousehold();
  const { status, body } = await mine.clerk.post(`/households/${household}/payments`, CASH, headers);
  expect([status, body.code]).toEqual([400, 'idempotency_key_required']);
  expect(await balanceOf(household)).toBe(0);
});

test('operators and residents cannot book money, not even for their own household', async () => {
  for (const caller of [mine.operator, mine.resident, theirs.operator, theirs.resident]) {
    const { status, body } = await pay(caller, mine.household.id, CASH);
    expect([status, body.code]).toEqual([403, 'forbidden']);
  }
  expect(await balanceOf(mine.household.id)).toBe(0);
});

test('a company cannot book money for another company’s household, or for one that does not exist', async () => {
  for (const household of [mine.household.id, 'hh_none']) {
    const { status, body } = await pay(theirs.clerk, household, CASH);
    expect([status, body.code]).toEqual([404, 'not_found']);
  }
});

test('the same key with another body is refused, and only the first payment counts', async () => {
  const household = await freshHousehold();
  const key = newSecret();
  expect((await pay(mine.clerk, household, CASH, key)).status).toBe(201);
  for (const other of [
    { ...CASH, amountFen: 12_346 },
    { ...CASH, method: 'transfer' },
    { ...CASH, reference: 'R-2' },
  ]) {
    const { status, body } = await pay(mine.clerk, household, other, key);
    expect([status, body.code]).toEqual([422, 'idempotency_key_reused']);
  }
  expect(await balanceOf(household)).toBe(CASH.amountFen);
});

test('the same key for another household, or for a command, is refused', async () => {
  const [household, neighbour] = [await freshHousehold(), await freshHousehold()];
  const key = newSecret();
  await pay(mine.clerk, household, CASH, key);
  expect((await pay(mine.clerk, neighbour, CASH, key)).status).toBe(422);
  expect(await balanceOf(neighbour)).toBe(0);
  await makeTerminal(mine.clerk, { id: 'keyed', profile: 'gas-boiler', householdId: household });
  expect((await mine.clerk.command('keyed', { command: 'power', value: 'on' }, key)).status).toBe(422);
});

test('the same key and body give the first payment again, and the money is booked once', async () => {
  const household = await freshHousehold();
  const key = newSecret();
  const first = await pay(mine.clerk, household, CASH, key);
  const again = await pay(mine.clerk, household, { reference: 'R-1', method: 'cash', amountFen: 12_345 }, key);
  expect([again.status, again.body]).toEqual([201, first.body]);
  expect((await paymentsOf(household)).items).toEqual([first.body]);
});

test('twenty of the same request at once book the money once', async () => {
  const household = await freshHousehold();
  const key = newSecret();
  const answers = await Promise.all(Array.from({ length: 20 }, () => pay(mine.clerk, household, CASH, key)));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 201));
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  expect(await balanceOf(household)).toBe(CASH.amountFen);
});

test('twenty requests at once with one key and different amounts book one of them', async () => {
  const household = await freshHousehold();
  const key = newSecret();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => pay(mine.clerk, household, { ...CASH, amountFen: n + 1 }, key)),
  );
  const taken = answers.filter(({ status }) => status === 201);
  expect(taken).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 422)).toHaveLength(19);
  expect(await balanceOf(household)).toBe(taken[0]?.body.amountFen);
});

test('two clerks who use the same key book two payments', async () => {
  const household = await freshHousehold();
  const key = newSecret();
  await pay(mine.clerk, household, CASH, key);
  await pay(gateway.admin, household, { ...CASH, reference: 'R-2' }, key);
  expect(await balanceOf(household)).toBe(2 * CASH.amountFen);
});

test('a clerk records cash and transfers, and the balance is their exact sum', async () => {
  const household = await freshHousehold();
  const cash = await pay(mine.clerk, household, { amountFen: 1, method: 'cash', reference: '收据 7' });
  const transfer = await pay(mine.clerk, household, { amountFen: 100_000_000, method: 'transfer', reference: 'T' });
  expect(cash.status).toBe(201);
  const { body: me } = await mine.clerk.get<{ username: string }>('/me');
  expect(cash.body).toMatchObject({ amountFen: 1, method: 'cash', reference: '收据 7', receivedBy: me.username });
  expect(cash.body.householdId).toBe(household);
  expect(Math.abs(Date.parse(cash.body.receivedAt) - Date.now())).toBeLessThan(60_000);
  const list = await paymentsOf(household);
  expect(list).toEqual({ items: [transfer.body, cash.body], nextCursor: null });
  expect(await balanceOf(household)).toBe(100_000_001);
});

test('many payments are paged, newest first, each once', async () => {
  const household = await freshHousehold();
  for (let n = 1; n <= 7; n++) await pay(mine.clerk, household, { ...CASH, amountFen: n });
  const { items, sizes } = await allPages<Payment>(mine.clerk, `/households/${household}/payments`, 3);
  expect(sizes).toEqual([3, 3, 1]);
  expect(items.map(({ amountFen }) => amountFen)).toEqual([7, 6, 5, 4, 3, 2, 1]);
});

test('a payment is seen by its company, its area’s operator and its resident, and is 404 for all others', async () => {
  const { body: payment } = await pay(theirs.clerk, theirs.household.id, CASH);
  const { id } = theirs.household;
  for (const caller of [theirs.clerk, theirs.operator, theirs.resident, gateway.admin]) {
    const { body } = await caller.get<Page<Payment>>(`/households/${id}/payments`);
    expect(body.items).toEqual([payment]);
    const { body: account } = await caller.get<Account>(`/households/${id}/account`);
    expect(account).toMatchObject({ householdId: id, balanceFen: CASH.amountFen, depositFen: 0 });
  }
  for (const caller of [mine.clerk, mine.operator, mine.resident]) {
    for (const what of ['payments', 'account']) {
      const { status, body } = await caller.get(`/households/${id}/${what}`);
      expect([status, body.code]).toEqual([404, 'not_found']);
    }
  }
});

test('a payment, and the memory of its key, survive a restart', async () => {
  await using folder = await tempFolder();
  const key = newSecret();
  const before = await startTestGateway({ folder: folder.path });
  const { household } = await makeHousehold(before);
  const first = await pay(before.admin, household.id, CASH, key);
  await before[Symbol.asyncDispose]();
  await using after = await startTestGateway({ folder: folder.path });
  const admin = await signIn(after.origin, ADMIN);
  expect((await pay(admin, household.id, CASH, key)).body).toEqual(first.body);
  const { body } = await admin.get<Account>(`/households/${household.id}/account`);
  expect(body.balanceFen).toBe(CASH.amountFen);
});
