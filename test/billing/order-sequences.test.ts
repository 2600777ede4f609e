import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { toFen } from '../../src/lib/money.ts';
import { heldClock } from '../helpers/clock.ts';
import { type Book, CLERK, openBook } from './book.ts';
import { startProvider } from './provider-stage.ts';

/** Whatever is lost, doubled or comes in another order: in the end the books say what the provider says. */

const PRICE = 1_000;
const clock = heldClock();
const provider = await startProvider(clock);
afterAll(() => provider[Symbol.asyncDispose]());
const book: Book = await openBook(provider, clock);
afterAll(() => book[Symbol.asyncDispose]());
const { orders } = book.collection;

type Step =
  | { what: 'pay' | 'notify' | 'again' | 'close' | 'ask' | 'wrong' }
  | { what: 'refund' | 'back'; fen: number }
  | {
      what: 'tell';
      which: number;
    };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom<Step>(
    ...(['pay', 'pay', 'notify', 'again', 'close', 'ask', 'wrong'] as const).map((what) => ({ what })),
  ),
  fc.record({ what: fc.constantFrom('refund' as const, 'back' as const), fen: fc.integer({ min: 1, max: PRICE }) }),
  fc.record({ what: fc.constant('tell' as const), which: fc.nat(3) }),
);

async function take(id: string, made: Step): Promise<void> {
  const order = await orders.byId(id);
  switch (made.what) {
    case 'pay':
      provider.trades.pay(id);
      return;
    case 'notify':
      return book.receive(provider.paymentNotice(id));
    case 'again':
      return book.receive(provider.paymentNotice(id, `again-${id}`));
    case 'wrong':
      return book.receive(provider.paymentNotice(id, undefined, { amount: { total: PRICE + 1, currency: 'CNY' } }));
    case 'close':
      return order.state === 'open' ? orders.close(order) : undefined;
    case 'ask':
      return order.state === 'open' ? void (await orders.ask(book.wechat, order)) : undefined;
    case 'refund':
      return refundHere(id, made.fen);
    case 'back':
      return refundThere(id, made.fen);
    case 'tell': {
      const refund = provider.trades.get(id)?.refunds[made.which];
      return refund && book.receive(provider.refundNotice(id, refund.refundNo));
    }
  }
}

/** By a clerk of ours; refused when there is not so much left. */
async function refundHere(id: string, fen: number): Promise<void> {
  const wanted = { amountFen: toFen(fen), reason: 'r' };
  const begun = await book.db
    .transaction()
    .execute((transaction) => orders.beginRefund(transaction, CLERK, id, wanted))
    .catch(() => undefined);
  const refund = (await orders.refunds(id)).find((one) => one.id === begun);
  if (refund) await orders.pursue(await orders.byId(id), refund);
}

/** By somebody on the provider's own pages. */
async function refundThere(id: string, fen: number): Promise<void> {
  const trade = provider.trades.get(id);
  const refundNo = `X${trade?.refunds.length}${id}`;
  provider.trades.refund(trade?.transactionId ?? '', { refundNo, amountFen: fen, state: 'SUCCESS' });
}

const backOf = (id: string): number =>
  (provider.trades.get(id)?.refunds ?? []).reduce(
    (sum, { amountFen, state }) => sum + (state === 'SUCCESS' ? amountFen : 0),
    0,
  );

test('any order, doubling and loss of notifications, questions, closings and refunds ends right', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const household = await book.household();
      const id = await book.order(household, PRICE);
      for (const made of steps) {
        await take(id, made);
        const { heating, clearing } = await book.money(household);
        expect(clearing).toBe(heating);
        expect([0, PRICE]).toContain((await orders.byId(id)).transactionId === null ? 0 : PRICE);
        expect(heating).toBeLessThanOrEqual(PRICE);
        expect(heating).toBeGreaterThanOrEqual(0);
      }
      // What the provider says again and again comes through at last.
      await book.receive(provider.paymentNotice(id));
      for (const { refundNo } of provider.trades.get(id)?.refunds ?? []) {
        await book.receive(provider.refundNotice(id, refundNo));
      }
      const trade = provider.trades.get(id);
      const back = backOf(id);
      const order = await orders.byId(id);
      const wasPaid = trade?.paidAt !== null;
      expect((await book.money(household)).heating).toBe(wasPaid ? PRICE - back : 0);
      expect(order.refundedFen).toBe(back);
      const paid = back === PRICE ? 'refunded' : 'paid';
      expect(order.state).toBe(wasPaid ? paid : trade?.state === 'CLOSED' ? 'closed' : 'open');
      expect(book.paid.filter((one) => one === household.id)).toHaveLength(wasPaid ? 1 : 0);
    }),
    { numRuns: 60, interruptAfterTimeLimit: 25_000, markInterruptAsFailure: false },
  );
}, 60_000);
