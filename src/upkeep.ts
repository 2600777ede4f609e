import type { Billing } from './billing/billing.ts';
import type { Invoicing } from './billing/invoicing.ts';
import type { Control } from './commands/control.ts';
import type { Config } from './config.ts';
import { forgetAnswers } from './db/answers.ts';
import type { Database } from './db/database.ts';
import type { Imports } from './imports/imports.ts';
import { type Clock, every } from './lib/clock.ts';
import type { Logger } from './lib/log.ts';
import type { Quarantine } from './readings/quarantine.ts';
import type { ReadingStore } from './readings/store.ts';
import type { SecurityEvents } from './security/security-events.ts';
import type { Registry } from './terminals/registry.ts';
import type { Uplink } from './uplink.ts';

/** Everything that happens again and again by the clock alone: what is over is ended, and what is old is forgotten. */

/** A part of the terminals each time, so that no turn takes long. */
const STATUS_MS = 250;
const OLD_SECRETS_MS = 5_000;
const EXPIRE_MS = 10_000;
const TEND_MS = 300_000;
const BILLING_MS = 60_000;
const FORGET_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** How long an Idempotency-Key is known. */
const ANSWERS_KEPT_MS = 7 * DAY_MS;

export function startUpkeep(
  config: Config,
  parts: {
    db: Database;
    uplink: Uplink;
    registry: Registry;
    control: Control;
    imports: Imports;
    invoicing: Invoicing;
    store: ReadingStore;
    quarantine: Quarantine;
    security: SecurityEvents;
    billing: Billing;
    clock: Clock;
    log: Logger;
  },
): Disposable {
  const { db, uplink, registry, control, imports, invoicing, store, quarantine, security, billing, clock, log } = parts;
  const stack = new DisposableStack();
  const regularly = (ms: number, what: string, task: () => unknown) =>
    stack.use(
      every(
        clock,
        ms,
        async () => void (await task()),
        (error) => log.error({ err: error }, `${what} failed`),
      ),
    );
  const ago = (days: number) => clock.now() - days * DAY_MS;
  regularly(STATUS_MS, 'telling who is offline', uplink.sweepStatus);
  regularly(OLD_SECRETS_MS, 'ending old secrets', registry.credentials.sweep);
  regularly(EXPIRE_MS, 'ending what was reserved for too long', () => billing.ledger.expire(clock.now()));
  regularly(TEND_MS, 'tending the store', store.tend);
  regularly(BILLING_MS, 'looking after bills', invoicing.tend);
  regularly(FORGET_MS, 'purging the quarantine', () => quarantine.purge(ago(config.readings.quarantineDays)));
  regularly(FORGET_MS, 'forgetting old security events', security.purge);
  regularly(FORGET_MS, 'forgetting old answers', () => forgetAnswers(db, clock.now() - ANSWERS_KEPT_MS));
  regularly(FORGET_MS, 'forgetting old imports', () => imports.forget(ago(config.provisioning.importDays)));
  regularly(FORGET_MS, 'forgetting old batches', () => control.forget(ago(config.batches.keepDays)));
  return stack;
}
