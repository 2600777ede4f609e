import { type Caller, visibleTerminals } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { SecurityEventRow, SecurityKind } from '../db/schema.ts';
import { type Clock, every } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';

/** Attempts to do what nobody may, and devices that behave as if they were attackers: counted, and listed for people. */

export interface SecurityEvent {
  kind: SecurityKind;
  /** The terminal that it was or said to be; null when it did not say. */
  terminalId: string | null;
  address: string | null;
  detail: string;
}

/** The same kind from the same terminal and address within this time is one row with a count. */
const TOGETHER_MS = 600_000;
const WRITE_MS = 1_000;
/** More different ones at once are counted together, so that an attack with ever new names costs little. */
const MOST_AT_ONCE = 1_000;
const LONGEST_DETAIL = 200;
const DAY_MS = 86_400_000;

export function startSecurityEvents(
  limits: { keepRows: number; keepDays: number },
  parts: { db: Database; clock: Clock; log: Logger },
) {
  const { db, clock, log } = parts;
  /** Of the last minutes, by what makes them the same. */
  const recent = new Map<string, SecurityEventRow>();
  const unwritten = new Set<string>();
  const counts = new Map<SecurityKind, number>();

  const keyOf = ({ kind, terminalId, address }: SecurityEvent) => `${kind} ${terminalId} ${address}`;

  /** What did not fit is told by kind only. */
  function told(event: SecurityEvent): SecurityEvent {
    const known = recent.has(keyOf(event)) || recent.size < MOST_AT_ONCE;
    return known ? event : { kind: event.kind, terminalId: null, address: null, detail: 'many at once' };
  }

  function record(happened: SecurityEvent): void {
    const event = told(happened);
    const key = keyOf(event);
    const now = clock.now();
    counts.set(event.kind, (counts.get(event.kind) ?? 0) + 1);
    const known = recent.get(key);
    const detail = event.detail.slice(0, LONGEST_DETAIL);
    if (known && now - known.firstAt < TOGETHER_MS)
      recent.set(key, { ...known, detail, lastAt: now, count: known.count + 1 });
    else recent.set(key, { id: newId('sec'), ...event, detail, firstAt: now, lastAt: now, count: 1 });
    unwritten.add(key);
  }

  async function write(): Promise<void> {
    const keys = [...unwritten];
    unwritten.clear();
    const rows = keys.flatMap((key) => recent.get(key) ?? []);
    try {
      if (rows.length > 0) {
        await db.transaction().execute(async (transaction) => {
          for (const row of rows) {
            const { detail, lastAt, count } = row;
            await transaction
              .insertInto('securityEvents')
              .values(row)
              .onConflict((conflict) => conflict.column('id').doUpdateSet({ detail, lastAt, count }))
              .execute();
          }
        });
      }
    } catch (error) {
      for (const key of keys) unwritten.add(key);
      throw error;
    }
    for (const [key, { firstAt }] of recent) {
      if (clock.now() - firstAt >= TOGETHER_MS && !unwritten.has(key)) recent.delete(key);
    }
  }

  const writing = every(clock, WRITE_MS, write, (error) =>
    log.error({ err: error }, 'security events are not written'),
  );

  return {
    record,

    /** Since the start, by kind. */
    counts: (): ReadonlyMap<SecurityKind, number> => counts,

    /** The newest first. Those that name no terminal of the caller's are for admins. */
    async list(caller: Caller, filter: Page & { kind?: SecurityKind | undefined; terminalId?: string | undefined }) {
      const { limit, cursor, kind, terminalId } = filter;
      let query = db.selectFrom('securityEvents').selectAll('securityEvents');
      if (caller.role !== 'admin') {
        query = query
          .innerJoin('terminals', 'terminals.id', 'securityEvents.terminalId')
          .where(visibleTerminals(caller));
      }
      if (kind) query = query.where('kind', '=', kind);
      if (terminalId) query = query.where('securityEvents.terminalId', '=', terminalId);
      if (cursor) query = query.where('securityEvents.id', '<', cursor);
      const rows = await query
        .orderBy('securityEvents.id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(rows, limit);
    },

    /** Forgets what is older or more than is kept. */
    async purge(): Promise<void> {
      await db
        .deleteFrom('securityEvents')
        .where('lastAt', '<', clock.now() - limits.keepDays * DAY_MS)
        .execute();
      const oldest = await db
        .selectFrom('securityEvents')
        .select('id')
        .orderBy('id', 'desc')
        .offset(limits.keepRows)
        .limit(1)
        .executeTakeFirst();
      if (oldest) await db.deleteFrom('securityEvents').where('id', '<=', oldest.id).execute();
    },

    async [Symbol.asyncDispose](): Promise<void> {
      writing[Symbol.dispose]();
      await write().catch((error) => log.error({ err: error }, 'the last security events are not written'));
    },
  };
}
export type SecurityEvents = ReturnType<typeof startSecurityEvents>;
/** Where parts tell what they saw. */
export type RecordSecurity = SecurityEvents['record'];
