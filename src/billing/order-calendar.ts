import type { Database } from '../db/database.ts';
import type { PaymentOrderRow } from '../db/schema-orders.ts';
import { type Clock, every } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { ASK_AFTER_MS, nextAsk, type Orders } from './orders.ts';
import type { Providers } from './providers/providers.ts';

/**
 * Asks the providers about orders that are open, and about refunds that are under way, since a notification may never come. When to ask is
 * in the order's row: a restart forgets nothing, and of several gateways the one that changes the row first asks.
 */

const LOOK_MS = 1_000;
const AT_ONCE = 20;
/** Whoever took an order and died is followed by another after this. */
const LEASE_MS = 120_000;
const SHORTEST_MS = 5_000;
const LONGEST_MS = 600_000;

/** Doubles with each failure. */
const backOff = (failed: number): number => Math.min(SHORTEST_MS * 2 ** Math.min(failed, 10), LONGEST_MS);

export function startOrderCalendar(parts: {
  db: Database;
  clock: Clock;
  log: Logger;
  orders: Orders;
  providers: Providers;
}): Disposable {
  const { db, clock, log, orders, providers } = parts;

  /** Only one gateway gets it. */
  async function claim({ id, askAt }: PaymentOrderRow): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable('paymentOrders')
      .set({ askAt: clock.now() + LEASE_MS })
      .where('id', '=', id)
      .where('askAt', '=', askAt)
      .executeTakeFirstOrThrow();
    return numUpdatedRows === 1n;
  }

  async function askOpen(order: PaymentOrderRow): Promise<void> {
    if (clock.now() >= order.expiresAt) return orders.close(order);
    const state = await orders.ask(providers.get(order.provider), order);
    if (state === 'paid') return;
    if (state === 'closed') return orders.change(order, { state: 'closed', askAt: null });
    const asked = order.asked + 1;
    return orders.change(order, { asked, failed: 0, askAt: nextAsk({ ...order, asked }, clock.now()) });
  }

  async function askRefunds(order: PaymentOrderRow): Promise<void> {
    const asked = order.asked + 1;
    for (const refund of await orders.refunds(order.id)) {
      if (refund.state === 'pending') await orders.pursue(order, refund);
    }
    const wait = ASK_AFTER_MS[Math.min(asked, ASK_AFTER_MS.length - 1)] ?? LONGEST_MS;
    // Where the last of them has ended, the order is in another state now, and this changes nothing.
    await orders.change(order, { asked, failed: 0, askAt: clock.now() + wait });
  }

  async function act(order: PaymentOrderRow): Promise<void> {
    if (order.state === 'open') return askOpen(order);
    if (order.state === 'refunding') return askRefunds(order);
    // A refund was told of an order that is closed.
    if (order.state === 'closed') await orders.ask(providers.get(order.provider), order);
    await orders.change(order, { askAt: null });
  }

  async function askOne(order: PaymentOrderRow): Promise<void> {
    try {
      await act(order);
    } catch (error) {
      const expected = error instanceof GatewayError;
      const where = { orderId: order.id, provider: order.provider };
      if (expected) log.warn({ ...where, why: error.message }, 'payments: a provider could not be asked');
      else log.error({ ...where, err: error }, 'payments: asking a provider failed');
      const failed = order.failed + 1;
      await orders.change(order, { failed, askAt: clock.now() + backOff(order.failed) });
    }
  }

  async function look(): Promise<void> {
    const due = await db
      .selectFrom('paymentOrders')
      .selectAll()
      .where('askAt', '<=', clock.now())
      .orderBy('askAt')
      .limit(AT_ONCE)
      .execute();
    const claimed = await Promise.all(due.map(async (order) => ({ order, mine: await claim(order) })));
    await Promise.all(claimed.filter(({ mine }) => mine).map(({ order }) => askOne(order)));
  }

  return every(clock, LOOK_MS, look, (error) => log.error({ err: error }, 'payments: looking for open orders failed'));
}
