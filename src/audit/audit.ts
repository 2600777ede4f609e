import type { Transaction } from 'kysely';
import type { Database, DatabaseOrTransaction } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';
import type { AuditAction, AuditRow } from '../db/schema-audit.ts';
import { chunksOf } from '../lib/chunks.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { hashOf } from './chain.ts';

/** Writes what was done into the audit, and lists it. */

export interface AuditEntry {
  /** See `AuditRow`. */
  actor: string;
  action: AuditAction;
  subject: string;
  terminalId?: string | undefined;
  /** Left out: that of the terminal. */
  companyId?: string | null | undefined;
  detail: Record<string, unknown>;
  policyVersion?: string | undefined;
}

export interface AuditFilter {
  limit: number;
  /** Rows before this one. */
  cursor?: number | undefined;
  terminalId?: string | undefined;
  actor?: string | undefined;
  action?: AuditAction | undefined;
  /** Epoch ms; `to` itself is not in it. */
  from?: number | undefined;
  to?: number | undefined;
}

const UNWRITTEN = { zh: '审计无法写入，因此什么都没有做', en: 'The audit cannot be written, so nothing is done' };

/** A statement takes only so many parameters. */
const ROWS_AT_ONCE = 500;

async function companiesOf(db: DatabaseOrTransaction, entries: AuditEntry[]): Promise<Map<string, string | null>> {
  const ids = new Set(entries.flatMap((one) => (one.companyId === undefined ? (one.terminalId ?? []) : [])));
  const found = new Map<string, string | null>();
  for (const some of chunksOf([...ids], ROWS_AT_ONCE)) {
    const rows = await db.selectFrom('terminals').select(['id', 'companyId']).where('id', 'in', some).execute();
    for (const { id, companyId } of rows) found.set(id, companyId);
  }
  return found;
}

export function createAudit({ db, clock }: { db: Database; clock: Clock }) {
  /**
   * Appends to the chain within a transaction, so that what is done and its row are there together or not at all. Call it once, as the last
   * thing of the transaction: until its end everybody else who appends waits. Rejects with `degraded` when the row cannot be written.
   */
  async function record(transaction: Transaction<Tables>, ...entries: AuditEntry[]): Promise<void> {
    if (entries.length === 0) return;
    try {
      await append(transaction, entries);
    } catch (error) {
      throw Object.assign(new GatewayError('degraded', UNWRITTEN), {
        cause: error,
      });
    }
  }

  async function append(transaction: Transaction<Tables>, entries: AuditEntry[]): Promise<void> {
    const companies = await companiesOf(transaction, entries);
    // Holds the head's row, so that of several gateways one at a time appends.
    const head = await transaction
      .updateTable('auditHead')
      .set((row) => ({ seq: row('seq', '+', entries.length) }))
      .where('id', '=', 1)
      .returning(['seq', 'hash'])
      .executeTakeFirstOrThrow();
    const at = clock.now();
    let prevHash = head.hash;
    const rows = entries.map((entry, index): AuditRow => {
      const terminalId = entry.terminalId ?? null;
      const { companyId = terminalId === null ? null : (companies.get(terminalId) ?? null) } = entry;
      const row = {
        seq: head.seq - entries.length + 1 + index,
        at,
        actor: entry.actor.toWellFormed(),
        action: entry.action,
        subject: entry.subject,
        terminalId,
        companyId,
        detail: JSON.stringify(entry.detail),
        policyVersion: entry.policyVersion ?? null,
        prevHash,
      };
      prevHash = hashOf(row);
      return { ...row, hash: prevHash };
    });
    for (const some of chunksOf(rows, ROWS_AT_ONCE)) await transaction.insertInto('audit').values(some).execute();
    await transaction.updateTable('auditHead').set({ hash: prevHash }).where('id', '=', 1).execute();
  }

  return {
    record,

    /** For what was done without a transaction of its own. */
    note: (...entries: AuditEntry[]): Promise<void> =>
      db.transaction().execute((transaction) => record(transaction, ...entries)),

    /** The newest first. With a company, only the rows about its terminals and its money. */
    async list(companyId: string | undefined, filter: AuditFilter) {
      const { limit, cursor, terminalId, actor, action, from, to } = filter;
      let query = db.selectFrom('audit').selectAll();
      if (companyId !== undefined) query = query.where('companyId', '=', companyId);
      if (terminalId) query = query.where('terminalId', '=', terminalId);
      if (actor) query = query.where('actor', '=', actor);
      if (action) query = query.where('action', '=', action);
      if (from !== undefined) query = query.where('at', '>=', from);
      if (to !== undefined) query = query.where('at', '<', to);
      if (cursor !== undefined) query = query.where('seq', '<', cursor);
      const rows = await query
        .orderBy('seq', 'desc')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit);
      const next = rows.length > limit ? items.at(-1)?.seq : undefined;
      return { items, nextCursor: next === undefined ? null : String(next) };
    },
  };
}
export type Audit = ReturnType<typeof createAudit>;
