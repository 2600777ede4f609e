import type { Audit } from '../audit/audit.ts';
import type { Database } from '../db/database.ts';
import { type Clock, every } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { createDifferences } from './differences.ts';
import type { Ledger } from './ledger.ts';
import { createNotifications } from './notifications.ts';
import { startOrderCalendar } from './order-calendar.ts';
import { createOrders } from './orders.ts';
import type { Payments } from './payments.ts';
import { openProviders, type ProviderSettings } from './providers/providers.ts';
import { createReconciliation } from './reconciliation.ts';
import { createSettlement } from './settlement.ts';

/** Everything of money that comes by a provider: orders, what the providers tell, and their statements. */

export interface CollectionSettings extends ProviderSettings {
  orderMinutes: number;
  reconcileHour: number;
}

const KEEP_UP_MS = 60_000;
const RECOUNT_MS = 15_000;

export async function openCollection(
  settings: CollectionSettings,
  parts: {
    /** Of the gateway's data. */
    folder: string;
    db: Database;
    clock: Clock;
    log: Logger;
    audit: Audit;
    ledger: Ledger;
    payments: Payments;
    paid: (householdId: string) => Promise<void>;
  },
) {
  await using stack = new AsyncDisposableStack();
  const { db, clock, log, audit, ledger } = parts;
  const providers = stack.use(await openProviders(settings, parts));
  const settlement = createSettlement(parts);
  const notifications = createNotifications({ ...parts, settlement });
  const orderMs = settings.orderMinutes * 60_000;
  const orders = createOrders({ db, clock, audit, providers, notifications, orderMs });
  const { reconcileHour } = settings;
  const differences = createDifferences({ db, clock });
  const reconciliation = createReconciliation({ db, clock, log, ledger, providers, differences, reconcileHour });
  const recount = () => Promise.all([notifications.recount(), differences.recount()]);
  await recount();
  stack.use(startOrderCalendar({ db, clock, log, orders, providers }));
  stack.use(
    every(clock, KEEP_UP_MS, reconciliation.keepUp, (error) =>
      log.error({ err: error }, 'payments: comparing statements failed'),
    ),
  );
  // Another gateway may have held or explained some.
  stack.use(
    every(
      clock,
      RECOUNT_MS,
      async () => void (await recount()),
      (error) => log.error({ err: error }, 'payments: counting what waits for people failed'),
    ),
  );
  const opened = stack.move();
  return {
    providers,
    notifications,
    orders,
    differences,
    reconciliation,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
export type Collection = Awaited<ReturnType<typeof openCollection>>;
