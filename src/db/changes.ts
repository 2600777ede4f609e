import pg from 'pg';
import { chunksOf } from '../lib/chunks.ts';
import { type Clock, every } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';

/**
 * What changed in the database, whichever gateway did it: PostgreSQL tells in the order of the commits, and loses nothing while the
 * connection lives. When it was broken, everything may have changed.
 */

const CHANNEL = 'hearthgate';
/** Gateways show their signs of life in the same way, so this much silence says that nothing comes through. */
const SILENCE_MS = 10_000;
const LOOK_MS = 1_000;
const CONNECT_MS = 5_000;
const LONGEST_BACK_OFF_MS = 10_000;
/** Ids of rows that are read again with one question. */
const AT_ONCE = 500;

const FOLLOWED = ['terminals', 'imports', 'commands', 'alarms'] as const;
export type Followed = (typeof FOLLOWED)[number];

export interface ChangesParts {
  clock: Clock;
  log: Logger;
  /** Rows were added, changed or removed. `undefined`: any may have been. */
  changed(table: Followed, ids: string[] | undefined): Promise<void>;
}

/** Follows the database at a `postgres://` URL. Never rejects: what fails is tried again, with everything. Dispose ends it. */
export function followChanges(url: string, { clock, log, changed }: ChangesParts): AsyncDisposable {
  const waiting = new Map<Followed, Set<string>>();
  let stopped = false;
  let failures = 0;
  let client: pg.Client | undefined;
  let heardAt = clock.ticks();
  let telling: Promise<void> | undefined;
  let again: Disposable | undefined;

  function take({ payload = '' }: pg.Notification): void {
    heardAt = clock.ticks();
    const [word, id = ''] = payload.split(' ');
    const table = FOLLOWED.find((one) => one === word);
    if (!table) return;
    waiting.set(table, (waiting.get(table) ?? new Set()).add(id));
    tellSoon();
  }

  /** One after another, and what comes meanwhile together. */
  function tellSoon(): void {
    telling ??= tell()
      .catch((error) => {
        log.warn({ reason: String(error) }, 'changes: could not be followed');
        lose(client);
      })
      .finally(() => {
        telling = undefined;
        if (waiting.size > 0) tellSoon();
      });
  }

  async function tell(): Promise<void> {
    for (const [table, ids] of waiting) {
      waiting.delete(table);
      for (const some of chunksOf([...ids], AT_ONCE)) await changed(table, some);
    }
  }

  function lose(lost: pg.Client | undefined): void {
    if (lost === undefined || lost !== client) return;
    client = undefined;
    lost.end().catch(() => undefined);
    connectSoon();
  }

  function connectSoon(): void {
    if (stopped) return;
    again = clock.after(Math.min(LONGEST_BACK_OFF_MS, 100 * 2 ** failures), () => void connect());
    failures += 1;
  }

  async function connect(): Promise<void> {
    const fresh = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS, keepAlive: true });
    client = fresh;
    fresh.on('error', () => lose(fresh));
    fresh.on('end', () => lose(fresh));
    fresh.on('notification', take);
    try {
      await fresh.connect();
      await fresh.query(`listen ${CHANNEL}`);
      heardAt = clock.ticks();
      // Whatever happened before it listened is in the rows by now.
      for (const table of FOLLOWED) await changed(table, undefined);
      if (failures > 1) log.info('changes: followed again');
      failures = 0;
    } catch (error) {
      if (failures === 1) log.warn({ reason: String(error) }, 'changes: other gateways’ changes come later');
      lose(fresh);
    }
  }

  const looks = every(
    clock,
    LOOK_MS,
    () => {
      if (!client || clock.ticks() - heardAt < SILENCE_MS) return;
      log.warn('changes: nothing came through; LISTEN needs a connection to PostgreSQL itself, not to a pool');
      lose(client);
    },
    (error) => log.error({ err: error }, 'changes: a look failed'),
  );
  connectSoon();

  return {
    async [Symbol.asyncDispose](): Promise<void> {
      stopped = true;
      looks[Symbol.dispose]();
      again?.[Symbol.dispose]();
      const last = client;
      client = undefined;
      waiting.clear();
      await last?.end().catch(() => undefined);
      await telling;
    },
  };
}
