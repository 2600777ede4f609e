import { afterAll, expect, test } from 'vitest';
import { heldClock } from '../helpers/clock.ts';
import { openBook } from './book.ts';
import { startProvider } from './provider-stage.ts';

/** No money of a provider moves without a word of it in the audit. */

const clock = heldClock();
const provider = await startProvider(clock);
afterAll(() => provider[Symbol.asyncDispose]());
const book = await openBook(provider, clock);
afterAll(() => book[Symbol.asyncDispose]());

const actions = async () =>
  (await book.db.selectFrom('audit').select(['actor', 'action']).orderBy('seq').execute()).map(
    ({ actor, action }) => `${actor} ${action}`,
  );

test('a payment is in the audit once, however often it is told', async () => {
  const household = await book.household();
  const id = await book.order(household, 700);
  provider.trades.pay(id);
  for (const event of ['EV-1', 'EV-1', 'EV-2']) await book.receive(provider.paymentNotice(id, event));
  expect(await actions()).toEqual(['provider:wechat payment_received']);
  const row = await book.db.selectFrom('audit').selectAll().executeTakeFirstOrThrow();
  expect(row.companyId).toBe(household.companyId);
  expect(JSON.parse(row.detail)).toMatchObject({ orderId: id, householdId: household.id, amountFen: 700 });
});

test('while the audit cannot be written nothing is credited, and afterwards it is', async () => {
  const household = await book.household();
  const id = await book.order(household, 800);
  provider.trades.pay(id);
  const head = await book.db.selectFrom('auditHead').selectAll().executeTakeFirstOrThrow();
  await book.db.deleteFrom('auditHead').execute();
  await expect(book.receive(provider.paymentNotice(id))).rejects.toMatchObject({ code: 'degraded' });
  expect((await book.money(household)).heating).toBe(0);
  await book.db.insertInto('auditHead').values(head).execute();
  await book.receive(provider.paymentNotice(id));
  expect((await book.money(household)).heating).toBe(800);
});
