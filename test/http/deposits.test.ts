import { describe, expect, test } from 'vitest';
import type { Account, Booked, LedgerEntry, Payment } from '../../src/http/schemas/billing.ts';
import type { DepositStatement } from '../../src/http/schemas/deposits.ts';
import type { Household } from '../../src/http/schemas/people.ts';
import { newSecret } from '../../src/lib/ids.ts';
import { type ApiClient, OTHER_VILLAGE, VILLAGE } from '../helpers/gateway.ts';
import { type Page, startVillages, withKey } from './stage.ts';

/** The deposit of a household: received, held, offset against what it owes, given back; and the statement of all. */

const { gateway, mine, theirs } = await startVillages();

let made = 0;
async function newcomer(areaCode = VILLAGE, companyId = mine.company.id): Promise<string> {
  const { body } = await gateway.admin.post<Household>('/households', {
    accountNo: `D-${++made}`,
    name: 'Newcomer',
    areaCode,
    companyId,
  });
  return body.id;
}

type Done = Booked & Payment & { code?: string; detail?: string };
const depositOf =
  (what: 'receive' | 'offset' | 'refund') =>
  (household: string, body: object, { by = mine.clerk, key = newSecret() }: { by?: ApiClient; key?: string } = {}) =>
    by.post<Done>(`/households/${household}/deposit/${what}`, body, withKey(key));
const receive = depositOf('receive');
const offset = depositOf('offset');
const refund = depositOf('refund');

const CASH = { method: 'cash', reference: 'D-1' };
const BACK = { method: 'cash', reference: 'B-1', reason: 'moves out' };
const accountOf = async (household: string) =>
  (await gateway.admin.get<Account>(`/households/${household}/account`)).body;
const adjust = (household: string, amountFen: number) =>
  gateway.admin.post<Done>(`/households/${household}/adjustments`, { amountFen, reason: 'first bill' }, withKey());

test('a deposit is received once, whole, with a receipt, and is no money for heating', async () => {
  const household = await newcomer();
  expect(await accountOf(household)).toMatchObject({ depositFen: 0, depositDueFen: 100_000 });
  const { status, body } = await receive(household, CASH);
  expect([status, body.amountFen, body.purpose]).toEqual([201, 100_000, 'deposit']);
  expect(body.receiptNo).toMatch(/^\d{4}-\d{6}$/);
  expect(await accountOf(household)).toMatchObject({ balanceFen: 0, depositFen: 100_000, depositDueFen: 0 });
  const again = await receive(household, { ...CASH, reference: 'D-2' });
  expect([again.status, again.body.code]).toEqual([409, 'wrong_state']);
  const list = await gateway.admin.get<Page<Payment>>(`/households/${household}/payments`);
  expect(list.body.items.map(({ id }) => id)).toEqual([body.id]);
});

test('a deposit is received in parts, never more than is due', async () => {
  const household = await newcomer();
  expect((await receive(household, { ...CASH, amountFen: 60_000 })).status).toBe(201);
  const tooMuch = await receive(household, { ...CASH, reference: 'D-2', amountFen: 40_001 });
  expect([tooMuch.status, tooMuch.body.code]).toEqual([409, 'wrong_state']);
  expect((await receive(household, { ...CASH, reference: 'D-2' })).body.amountFen).toBe(40_000);
  expect(await accountOf(household)).toMatchObject({ depositFen: 100_000, depositDueFen: 0 });
});

test('a deposit pays what the household owes, and no more; it is not asked for again', async () => {
  const household = await newcomer();
  await receive(household, CASH);
  const early = await offset(household, {});
  expect([early.status, early.body.code]).toEqual([409, 'wrong_state']);
  await adjust(household, -30_000);
  expect((await offset(household, { amountFen: 30_001 })).status).toBe(409);
  expect((await offset(household, { amountFen: 10_000 })).body.amountFen).toBe(10_000);
  expect((await offset(household, {})).body.amountFen).toBe(20_000);
  expect(await accountOf(household)).toMatchObject({ balanceFen: 0, depositFen: 70_000, depositDueFen: 0 });
  await adjust(household, -200_000);
  expect((await offset(household, {})).body.amountFen).toBe(70_000);
  expect(await accountOf(household)).toMatchObject({ balanceFen: -130_000, depositFen: 0, depositDueFen: 0 });
  const empty = await offset(household, {});
  expect([empty.status, empty.body.code]).toEqual([409, 'not_enough_money']);
});

test('a deposit is given back once, and only when nothing is owed', async () => {
  const household = await newcomer();
  await receive(household, CASH);
  await adjust(household, -1);
  const owing = await refund(household, BACK);
  expect([owing.status, owing.body.code]).toEqual([409, 'wrong_state']);
  await offset(household, {});
  expect((await refund(household, { ...BACK, amountFen: 100_000 })).body.code).toBe('not_enough_money');
  expect((await refund(household, BACK)).body.amountFen).toBe(99_999);
  const again = await refund(household, BACK);
  expect([again.status, again.body.code]).toEqual([409, 'not_enough_money']);
  // Whoever comes next pays one again, less the fen that paid a bill.
  expect(await accountOf(household)).toMatchObject({ depositFen: 0, depositDueFen: 99_999 });
});

test('ten clerks who give one deposit back at once give it back once', async () => {
  const household = await newcomer();
  await receive(household, CASH);
  const answers = await Promise.all(Array.from({ length: 10 }, () => refund(household, BACK)));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 409)).toHaveLength(9);
  expect(await accountOf(household)).toMatchObject({ depositFen: 0 });
});

test('ten clerks who receive one deposit at once receive it once', async () => {
  const household = await newcomer();
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, n) => receive(household, { ...CASH, reference: `D-${n}` })),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(await accountOf(household)).toMatchObject({ depositFen: 100_000 });
});

test('the same key gives the first answer, and nothing moves twice', async () => {
  const household = await newcomer();
  const key = newSecret();
  const first = await receive(household, { ...CASH, amountFen: 100 }, { key });
  expect((await receive(household, { ...CASH, amountFen: 100 }, { key })).body).toEqual(first.body);
  expect((await refund(household, BACK, { key })).body.code).toBe('idempotency_key_reused');
  expect(await accountOf(household)).toMatchObject({ depositFen: 100 });
});

test('a deposit typed for the wrong household is taken back as any payment, unless it is spent', async () => {
  const household = await newcomer();
  const { body } = await receive(household, CASH);
  const take = () =>
    mine.clerk.post<Done>(`/households/${household}/payments/${body.id}/reverse`, { reason: 'wrong one' }, withKey());
  await adjust(household, -1);
  await offset(household, {});
  expect((await take()).body.code).toBe('not_enough_money');
  const other = await newcomer();
  const wrong = await receive(other, CASH);
  const path = `/households/${other}/payments/${wrong.body.id}/reverse`;
  expect((await mine.clerk.post(path, { reason: 'wrong one' }, withKey())).status).toBe(200);
  expect(await accountOf(other)).toMatchObject({ depositFen: 0, depositDueFen: 100_000 });
});

test('all that happened to a deposit stands in its ledger', async () => {
  const household = await newcomer();
  await receive(household, CASH);
  await adjust(household, -5_000);
  await offset(household, { reason: 'first bill' });
  await refund(household, BACK);
  const { body } = await gateway.admin.get<Page<LedgerEntry>>(`/households/${household}/ledger?account=deposit`);
  expect(body.items.map(({ kind, amountFen, balanceFen }) => [kind, amountFen, balanceFen])).toEqual([
    ['deposit_refund', -95_000, 0],
    ['deposit_offset', -5_000, 95_000],
    ['deposit_receive', 100_000, 100_000],
  ]);
});

describe('the statement', () => {
  const LONG_AGO = Date.UTC(2020, 0);
  const span = (from: number, to: number) => `from=${from}&to=${to}`;
  const ask = async (by: ApiClient, query: string) =>
    (await by.get<{ items: DepositStatement[] }>(`/reports/deposits?${query}`)).body.items;

  test('opens with what was held, and closes with it after everything that moved', async () => {
    const start = Date.now();
    const before =
      (await ask(gateway.admin, `${span(LONG_AGO, start)}&companyId=${theirs.company.id}`))[0]?.closingFen ?? 0;
    const own = { by: theirs.clerk };
    const houses = [await newcomer(OTHER_VILLAGE, theirs.company.id), await newcomer(OTHER_VILLAGE, theirs.company.id)];
    for (const household of houses) await receive(household, CASH, own);
    const [first = '', second = ''] = houses;
    await adjust(first, -30_000);
    await offset(first, {}, own);
    await refund(second, { ...BACK, amountFen: 99_000 }, own);
    const end = Date.now() + 1;
    const row = {
      companyId: theirs.company.id,
      companyName: theirs.company.name,
      areaCode: '141023',
      openingFen: before,
      receivedFen: 200_000,
      offsetFen: 30_000,
      refundedFen: 99_000,
      correctedFen: 0,
      closingFen: before + 71_000,
    };
    expect(await ask(theirs.clerk, span(start, end))).toEqual([row]);
    expect(await ask(gateway.admin, `${span(start, end)}&areaCode=${OTHER_VILLAGE}`)).toEqual([row]);
    const later = { ...row, openingFen: row.closingFen, receivedFen: 0, offsetFen: 0, refundedFen: 0 };
    expect(await ask(theirs.operator, span(end, end + 1_000))).toEqual([later]);
    expect(await ask(mine.clerk, `${span(start, end)}&companyId=${theirs.company.id}`)).toEqual([]);
  });

  test('without a beginning, an end, or time between them is refused', async () => {
    for (const query of [
      'from=2026-01-01T00:00:00Z',
      'to=2026-01-01T00:00:00Z',
      span(2_000_000_000_000, 2_000_000_000_000),
    ]) {
      expect((await gateway.admin.get(`/reports/deposits?${query}`)).status).toBe(400);
    }
  });
});
