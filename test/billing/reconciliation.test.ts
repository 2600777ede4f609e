import { afterAll, describe, expect, test } from 'vitest';
import type { Caller } from '../../src/areas/scope.ts';
import type { StatementLine } from '../../src/billing/providers/provider.ts';
import { readWechatBill } from '../../src/billing/providers/wechat-bill.ts';
import { compare } from '../../src/billing/statement.ts';
import { dayOf } from '../../src/lib/calendar.ts';
import { heldClock } from '../helpers/clock.ts';
import { eventually } from '../helpers/temp.ts';
import { CLERK, openBook } from './book.ts';
import { startProvider } from './provider-stage.ts';

/** 对账: what a provider counted on a day beside what we have. */

const DAY_MS = 86_400_000;
const clock = heldClock();
const provider = await startProvider(clock);
afterAll(() => provider[Symbol.asyncDispose]());
const book = await openBook(provider, clock);
afterAll(() => book[Symbol.asyncDispose]());
const { reconciliation, differences: noted, orders } = book.collection;

/** Nothing happens meanwhile: a day has 86,400 looks for open orders. */
const later = (ms: number) => clock.set(clock.now() + ms);

const explain = (caller: Caller, date: string, id: string, reason: string) =>
  book.db.transaction().execute((transaction) => noted.explain(transaction, caller, { date, id, reason }));

const PAGE = { limit: 100 };
const differences = async (date: string) => (await noted.list(CLERK, { ...PAGE, date })).items;

async function paid(amountFen: number, told = true) {
  const household = await book.household();
  const id = await book.order(household, amountFen);
  provider.trades.pay(id);
  if (told) await book.receive(provider.paymentNotice(id));
  return { id, household };
}

async function refunded(id: string, amountFen: bigint): Promise<void> {
  const refundId = await book.db
    .transaction()
    .execute((transaction) => orders.beginRefund(transaction, CLERK, id, { amountFen, reason: 'r' }));
  const refund = (await orders.refunds(id)).find((one) => one.id === refundId);
  if (refund) await orders.pursue(await orders.byId(id), refund);
}

test('a day that fits has no differences; fees are booked, the rest comes to the bank, and again changes nothing', async () => {
  const { id, household } = await paid(10_000);
  await refunded(id, 2_500n);
  expect(await book.money(household)).toEqual({ heating: 7_500, clearing: 7_500, fees: 0, bank: 0 });
  const date = dayOf(clock.now());
  await expect(reconciliation.reconcile('wechat', date)).rejects.toMatchObject({ code: 'wrong_state' });
  later(DAY_MS);
  for (let n = 0; n < 2; n++) {
    expect(await reconciliation.reconcile('wechat', date)).toMatchObject({
      state: 'done',
      lineCount: 2,
      paidFen: 10_000,
      refundedFen: 2_500,
      feeFen: 45,
    });
    expect(await differences(date)).toEqual([]);
    // 0.6 % of 10,000 is 60 fen; 15 of them come back with the refund.
    expect(await book.money(household)).toEqual({ heating: 7_500, clearing: 0, fees: 45, bank: 7_455 });
  }
});

test('each thing that differs is listed, asked for where that may mend it, and explained by a person once', async () => {
  later(DAY_MS);
  const good = await paid(100);
  const lost = await paid(200, false);
  const other = await paid(300);
  const trade = provider.trades.get(other.id);
  if (trade) trade.paidFen = 299;
  const gone = await paid(400);
  const known = provider.trades.get(gone.id);
  if (known) known.paidAt = null;
  const strange = provider.trades.open({
    orderId: 'po_not_ours',
    amountFen: 500,
    description: 'x',
    expiresAt: clock.now() + DAY_MS,
  });
  provider.trades.pay(strange?.orderId ?? '');
  const date = dayOf(clock.now());
  // The lost one is not asked for before the day is over.
  await book.db.updateTable('paymentOrders').set({ askAt: null }).where('id', '=', lost.id).execute();
  later(DAY_MS);
  await reconciliation.reconcile('wechat', date);
  const found = await differences(date);
  expect(found.map(({ kind, orderId, oursFen, theirsFen }) => [kind, orderId, oursFen, theirsFen]).sort()).toEqual([
    ['amount_differs', other.id, 300, 299],
    ['missing_here', 'po_not_ours', null, 500],
    ['missing_there', gone.id, 400, null],
    ['state_differs', lost.id, 200, 200],
  ]);
  expect((await book.money(good.household)).clearing).toBe(0);
  expect((await book.money(other.household)).clearing).toBe(300);

  const missing = found.find(({ kind }) => kind === 'missing_here');
  const explained = await explain(CLERK, date, missing?.id ?? '', 'paid at the counter’s own code');
  expect(explained).toMatchObject({ state: 'explained', explainedBy: 'clerk' });
  await expect(explain(CLERK, date, missing?.id ?? '', 'again')).rejects.toMatchObject({
    code: 'wrong_state',
  });

  await clock.advance(2_000);
  await eventually(async () => (await orders.byId(lost.id)).state === 'paid');
  await reconciliation.reconcile('wechat', date);
  expect((await differences(date)).map(({ kind, state }) => [kind, state]).sort()).toEqual([
    ['amount_differs', 'open'],
    ['missing_here', 'explained'],
    ['missing_there', 'open'],
  ]);
  await noted.recount();
  expect(noted.open()).toBe(2);
});

test('every day is compared by itself from the hour that is set on, also those of a week without the gateway', async () => {
  later(DAY_MS);
  const { household } = await paid(100);
  const date = dayOf(clock.now());
  const rows = async () => (await reconciliation.list({ ...PAGE, provider: 'wechat', date })).items;
  const midnight = Date.parse(`${date}T00:00:00+08:00`) + DAY_MS;
  later(midnight + 10.9 * 3_600_000 - clock.now());
  await reconciliation.keepUp();
  expect(await rows()).toEqual([]);
  later(3 * DAY_MS + 600_000);
  await Promise.all([reconciliation.keepUp(), reconciliation.keepUp()]);
  await eventually(async () => (await rows())[0]?.state === 'done');
  expect(await rows()).toMatchObject([{ state: 'done', lineCount: 1, paidFen: 100 }]);
  expect((await book.money(household)).clearing).toBe(0);
});

test('a company sees and explains what is its own', async () => {
  const { items } = await noted.list(CLERK, { ...PAGE, state: 'open' });
  const [one] = items;
  if (!one) throw new Error('there is none');
  const theirs = { ...CLERK, role: 'company' as const, companyId: 'co_other' };
  const own = { ...theirs, companyId: one.companyId };
  expect((await noted.list(theirs, PAGE)).items).toEqual([]);
  await expect(explain(theirs, one.date, one.id, 'x')).rejects.toMatchObject({ code: 'not_found' });
  expect((await noted.list(own, PAGE)).items.map(({ id }) => id)).toContain(one.id);
  expect((await explain(own, one.date, one.id, 'x')).state).toBe('explained');
});

test('a statement that is another than its hash says, or has another form, is not taken', () => {
  const hash = '0000000000000000000000000000000000000000';
  expect(() => readWechatBill(Buffer.from('交易时间'), hash)).toThrow('hash');
  const sha1 = '2fd4e1c67a2d28fced849ee1bb76e7391b93eb12';
  expect(() => readWechatBill(Buffer.from('The quick brown fox jumps over the lazy dog'), sha1)).toThrow('no column');
});

describe('a line that comes twice', () => {
  const line: StatementLine = {
    kind: 'payment',
    orderId: 'po_1',
    refundId: null,
    transactionId: 't',
    amountFen: 1n,
    feeFen: 0n,
    state: 'done',
  };
  test('is a duplicate', () => {
    const { differences: found } = compare([line, line], { orders: [], refunds: [], from: 0, to: 1 });
    expect(found.map(({ kind }) => kind)).toEqual(['missing_here', 'duplicate']);
  });
});
