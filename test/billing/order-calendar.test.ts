import { expect, test } from 'vitest';
import { heldClock } from '../helpers/clock.ts';
import { eventually } from '../helpers/temp.ts';
import { CLERK, openBook } from './book.ts';
import { startProvider } from './provider-stage.ts';

/** Orders of which no notification came: the provider is asked by the clock, which the test holds. */

async function stage() {
  const clock = heldClock();
  const provider = await startProvider(clock);
  const book = await openBook(provider, clock);
  return {
    clock,
    provider,
    book,
    async [Symbol.asyncDispose]() {
      await book[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
    },
  };
}

/** Goes on until it is so; a database on another process takes real time, in which the clock stands. */
function goOn<T>(clock: ReturnType<typeof heldClock>, check: () => Promise<T | undefined | false>): Promise<T> {
  return eventually(async () => {
    const found = await check();
    if (found === undefined || found === false) await clock.advance(1_000);
    return found;
  }, 20_000);
}

/** Until a time from now on, with whatever was due before it begun. */
async function pass(clock: ReturnType<typeof heldClock>, seconds: number): Promise<void> {
  const end = clock.now() + seconds * 1_000;
  await goOn(clock, async () => clock.now() >= end);
}

test('an order is asked for after 5, 15, 30 and 60 seconds, 5 and 30 minutes, and closed at its end', async () => {
  await using all = await stage();
  const { clock, provider, book } = all;
  const { orders } = book.collection;
  const id = await book.order(await book.household(), 100);
  const at: number[] = [];
  const start = clock.now();
  while ((await orders.byId(id)).state === 'open' && at.length < 10) {
    const { askAt } = await orders.byId(id);
    clock.set(Math.max(clock.now(), askAt ?? 0));
    await goOn(clock, async () => provider.asks() === at.length + 1);
    at.push(Math.round((clock.now() - start) / 1_000));
    // Until the answer is noted, the order is held for two minutes.
    await eventually(async () => {
      const { state, asked } = await orders.byId(id);
      return state !== 'open' || asked === at.length;
    });
  }
  const late = [5, 15, 30, 60, 300, 1_800, 7_200].map((seconds, n) => (at[n] ?? 0) - seconds);
  expect(late.filter((seconds) => seconds < 0 || seconds > 10)).toEqual([]);
  expect(at).toHaveLength(7);
  expect(provider.trades.get(id)?.state).toBe('CLOSED');
  expect(provider.requests.at(-1)).toContain('/close');
});

test('a payment whose notification was lost is found, and credited once', async () => {
  await using all = await stage();
  const { clock, provider, book } = all;
  const household = await book.household();
  const id = await book.order(household, 100);
  provider.trades.pay(id);
  await goOn(clock, async () => (await book.collection.orders.byId(id)).state === 'paid');
  expect(await book.money(household)).toMatchObject({ heating: 100, clearing: 100 });
  await book.receive(provider.paymentNotice(id));
  expect(await book.money(household)).toMatchObject({ heating: 100 });
  await pass(clock, 60);
  expect(provider.asks()).toBe(1);
});

test('one that was paid in its last second is paid, not closed', async () => {
  await using all = await stage();
  const { clock, provider, book } = all;
  const id = await book.order(await book.household(), 100);
  await book.db
    .updateTable('paymentOrders')
    .set({ askAt: clock.now() + 7_200_000, asked: 6 })
    .where('id', '=', id)
    .execute();
  clock.set(clock.now() + 7_199_000);
  provider.trades.pay(id);
  await goOn(clock, async () => (await book.collection.orders.byId(id)).state === 'paid');
});

test('of two gateways on one database one asks', async () => {
  await using all = await stage();
  const { clock, provider, book } = all;
  await using second = await openBook(provider, clock, book.url);
  const households = await Promise.all(Array.from({ length: 10 }, () => book.household()));
  const ids: string[] = [];
  for (const household of households) ids.push(await book.order(household, 100));
  await goOn(clock, async () => provider.asks() >= 10);
  await eventually(async () => {
    const all = await Promise.all(ids.map((one) => second.collection.orders.byId(one)));
    return all.every(({ asked }) => asked === 1);
  });
  expect(provider.asks()).toBe(10);
  expect((await second.collection.orders.byId(ids[0] ?? '')).asked).toBe(1);
});

test('while the provider does not answer it is asked ever more seldom', async () => {
  const clock = heldClock();
  const gone = await startProvider(clock);
  const book = await openBook(gone, clock);
  const household = await book.household();
  const id = await book.order(household, 100);
  await gone[Symbol.asyncDispose]();
  const waits: number[] = [];
  for (let n = 0; n < 5; n++) {
    const { askAt } = await book.collection.orders.byId(id);
    clock.set(Math.max(clock.now(), askAt ?? 0));
    const order = await goOn(clock, async () => {
      const found = await book.collection.orders.byId(id);
      return found.failed === n + 1 && found;
    });
    waits.push(((order.askAt ?? 0) - (askAt ?? 0)) / 1_000);
  }
  const late = [5, 10, 20, 40, 80].map((seconds, n) => (waits[n] ?? 0) - seconds);
  expect(late.filter((seconds) => seconds < 0 || seconds > 20)).toEqual([]);
  await book[Symbol.asyncDispose]();
});

test('a refund that takes its time is asked for until it is done', async () => {
  await using all = await stage();
  const { clock, provider, book } = all;
  const { orders } = book.collection;
  const household = await book.household();
  const id = await book.order(household, 100);
  provider.trades.pay(id);
  await book.receive(provider.paymentNotice(id));
  provider.refundAs('PROCESSING');
  await book.db
    .transaction()
    .execute((transaction) => orders.beginRefund(transaction, CLERK, id, { amountFen: 40n, reason: 'r' }));
  await goOn(clock, async () => (await orders.byId(id)).asked === 1);
  expect(await orders.byId(id)).toMatchObject({ state: 'refunding' });
  provider.trades.settleRefunds(id, 'SUCCESS');
  await goOn(clock, async () => (await orders.byId(id)).state === 'paid');
  expect(await book.money(household)).toMatchObject({ heating: 60, clearing: 60 });
});
