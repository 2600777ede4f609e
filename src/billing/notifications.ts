import type { Transaction } from 'kysely';
import { type Caller, ofCompany } from '../areas/scope.ts';
import type { Audit, AuditEntry } from '../audit/audit.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import type { PaymentNotificationRow, PaymentOrderRow } from '../db/schema-orders.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';
import { fromFen, toFen } from '../lib/money.ts';
import type { Fact, Notification, ProviderName } from './providers/provider.ts';
import type { Settlement } from './settlement.ts';

/**
 * What providers told, by themselves or asked, each once: taken, or held for people because it does not fit, until one of them says how it was
 * resolved. That moves no money: an adjustment or a refund does.
 */

/** A held one that somebody resolved waits no more. */
export type NotificationState = PaymentNotificationRow['state'] | 'resolved';
export const stateOf = ({ state, resolvedAt }: PaymentNotificationRow): NotificationState =>
  state === 'held' && resolvedAt !== null ? 'resolved' : state;

export type Told = Notification & { provider: ProviderName; source: PaymentNotificationRow['source'] };

const contentOf = (fact: Fact): string => JSON.stringify({ ...fact, amountFen: fromFen(fact.amountFen) });

function factOf(content: string): Fact {
  const fact = JSON.parse(content);
  return { ...fact, amountFen: toFen(fact.amountFen) };
}

export function createNotifications(parts: {
  db: Database;
  clock: Clock;
  log: Logger;
  audit: Audit;
  settlement: Settlement;
  /** Money for a household was committed. */
  paid: (householdId: string) => Promise<void>;
}) {
  const { db, clock, log, audit, settlement, paid } = parts;
  /** Kept in memory, so that `/metrics` needs no database. */
  let held = 0;
  const counts = new Map<string, { provider: ProviderName; state: string; count: number }>();

  /** False when it is there already. Of two at once, the second waits here for the first. */
  async function note(transaction: Transaction<Tables>, row: PaymentNotificationRow): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await transaction
      .insertInto('paymentNotifications')
      .values(row)
      .onConflict((conflict) => conflict.columns(['provider', 'notificationId']).doNothing())
      .executeTakeFirstOrThrow();
    return numInsertedOrUpdatedRows === 1n;
  }

  const update = (transaction: Transaction<Tables>, id: string, change: Partial<PaymentNotificationRow>) =>
    transaction.updateTable('paymentNotifications').set(change).where('id', '=', id).execute();

  /** Refunds that were told before their payment, also those that somebody has called resolved: the money went back. Gives what was booked. */
  async function takeWaiting(
    transaction: Transaction<Tables>,
    order: PaymentOrderRow,
    provider: ProviderName,
  ): Promise<AuditEntry[]> {
    const moved: AuditEntry[] = [];
    const waiting = await transaction
      .selectFrom('paymentNotifications')
      .selectAll()
      .where('orderId', '=', order.id)
      .where('reason', '=', 'refund_before_payment')
      .orderBy('id')
      .execute();
    for (const { id, content } of waiting) {
      const told = { provider, fact: factOf(content), foreign: null, now: clock.now() };
      const verdict = await settlement.take(transaction, told);
      const reason = verdict.state === 'held' ? verdict.reason : null;
      await update(transaction, id, { state: verdict.state, reason });
      if (verdict.state === 'taken' && verdict.moved) moved.push(verdict.moved);
    }
    return moved;
  }

  async function recount(): Promise<void> {
    const { number } = await db
      .selectFrom('paymentNotifications')
      .select((row) => row.fn.countAll<number | string>().as('number'))
      .where('state', '=', 'held')
      .where('resolvedAt', 'is', null)
      .executeTakeFirstOrThrow();
    held = Number(number);
  }

  async function take(transaction: Transaction<Tables>, told: Told): Promise<PaymentOrderRow | undefined> {
    const { provider, source, id: notificationId, fact } = told;
    const row: PaymentNotificationRow = {
      id: newId('pn'),
      provider,
      notificationId,
      source,
      kind: fact?.kind ?? 'other',
      orderId: fact?.orderId ?? null,
      companyId: null,
      transactionId: fact?.transactionId ?? null,
      amountFen: fact ? fromFen(fact.amountFen) : null,
      state: 'taken',
      reason: null,
      content: fact ? contentOf(fact) : '{}',
      receivedAt: clock.now(),
      resolvedBy: null,
      resolvedAt: null,
      resolution: null,
    };
    if (!(await note(transaction, row)) || !fact) return undefined;
    const verdict = await settlement.take(transaction, { provider, fact, foreign: told.foreign, now: clock.now() });
    const companyId = verdict.order?.companyId ?? null;
    const reason = verdict.state === 'held' ? verdict.reason : null;
    await update(transaction, row.id, { companyId, state: verdict.state, reason });
    count(provider, verdict.state);
    if (verdict.state === 'held') {
      held += 1;
      log.error(
        { provider, orderId: fact.orderId, reason },
        'payments: what a provider told does not fit, and is held',
      );
      return undefined;
    }
    const moved = verdict.moved ? [verdict.moved] : [];
    if (verdict.paid && verdict.order) moved.push(...(await takeWaiting(transaction, verdict.order, provider)));
    await audit.record(transaction, ...moved);
    return verdict.paid ? verdict.order : undefined;
  }

  function count(provider: ProviderName, state: string): void {
    const key = `${provider} ${state}`;
    counts.set(key, { provider, state, count: (counts.get(key)?.count ?? 0) + 1 });
  }

  return {
    /** Resolves when it is committed, with its posting. To take the same again changes nothing. */
    async take(told: Told): Promise<void> {
      const order = await db.transaction().execute((transaction) => take(transaction, told));
      if (order) await paid(order.householdId);
    },

    /** The newest first. A company sees those of its own orders. */
    async list(
      caller: Caller,
      filter: Page & { provider?: string | undefined; state?: NotificationState | undefined },
    ) {
      const { limit, cursor, provider, state } = filter;
      const rows = await db
        .selectFrom('paymentNotifications')
        .selectAll()
        .where(ofCompany(caller, 'companyId'))
        .$if(provider !== undefined, (query) => query.where('provider', '=', provider ?? ''))
        .$if(state !== undefined, (query) => query.where('state', '=', state === 'taken' ? 'taken' : 'held'))
        .$if(state === 'held', (query) => query.where('resolvedAt', 'is', null))
        .$if(state === 'resolved', (query) => query.where('resolvedAt', 'is not', null))
        .$if(cursor !== undefined, (query) => query.where('id', '<', cursor ?? ''))
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(rows, limit);
    },

    /** A person says what was done about a held one. Once; `recount` when that is committed. */
    async resolve(
      transaction: Transaction<Tables>,
      caller: Caller,
      id: string,
      resolution: string,
    ): Promise<PaymentNotificationRow> {
      const found = await transaction
        .selectFrom('paymentNotifications')
        .selectAll()
        .where('id', '=', id)
        .where(ofCompany(caller, 'companyId'))
        .executeTakeFirst();
      if (!found) throw new GatewayError('not_found');
      const resolved = { resolvedBy: caller.name, resolvedAt: clock.now(), resolution };
      const { numUpdatedRows } = await transaction
        .updateTable('paymentNotifications')
        .set(resolved)
        .where('id', '=', id)
        .where('state', '=', 'held')
        .where('resolvedAt', 'is', null)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) throw new GatewayError('wrong_state', `It is ${stateOf(found)} already`);
      return { ...found, ...resolved };
    },

    /** Noted as forged: nothing of it is kept, since anybody can send such. */
    refused: (provider: ProviderName): void => count(provider, 'refused'),
    /** Since the start. */
    counts: () => [...counts.values()],

    /** How many wait for people. */
    held: (): number => held,
    recount,
  };
}
export type Notifications = ReturnType<typeof createNotifications>;
