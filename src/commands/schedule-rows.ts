import type { Transaction } from 'kysely';
import type { Caller } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import type { ScheduleRow, ScheduleRunRow } from '../db/schema-schedules.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { Recurrence } from '../lib/recurrence.ts';
import type { Profile } from '../terminals/profile.ts';
import type { BatchRequest } from './batch-plan.ts';

/** Schedules as they lie in the database. */

export type Schedule = Omit<ScheduleRow, 'terminalIds' | 'value' | 'recurrence' | 'kind'> & {
  terminalIds: string[] | null;
  kind: Profile['kind'] | null;
  value: string | number;
  recurrence: Recurrence;
};

export const scheduleOf = (row: ScheduleRow): Schedule => ({
  ...row,
  kind: row.kind as Profile['kind'] | null,
  terminalIds: row.terminalIds === null ? null : (JSON.parse(row.terminalIds) as string[]),
  value: JSON.parse(row.value) as string | number,
  recurrence: JSON.parse(row.recurrence) as Recurrence,
});

export const requestOf = ({ areaCode, terminalIds, profile, kind, purpose, ...rest }: Schedule): BatchRequest => ({
  command: rest.command,
  value: rest.value,
  reason: rest.reason,
  expiresInS: rest.expiresInS,
  ...(areaCode !== null && { areaCode }),
  ...(terminalIds !== null && { terminalIds }),
  ...(profile !== null && { profile }),
  ...(kind !== null && { kind }),
  ...(purpose !== null && { purpose }),
});

/** Who asked for it, with no more than they reached then. */
export const callerOf = ({ requestedBy, requestedById, role, companyId }: Schedule): Caller => ({
  id: requestedById,
  personId: requestedById,
  name: requestedBy,
  role,
  companyId,
  areaCode: null,
  householdId: null,
});

/** Notes what became of one time. False when it has run already: no time comes twice, wherever the clock stands. */
export async function noteRun(transaction: Transaction<Tables>, run: Omit<ScheduleRunRow, 'id'>): Promise<boolean> {
  const { scheduleId, dueAt, at, state, batchId, detail } = run;
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto('scheduleRuns')
    .values({ id: newId('run'), ...run })
    .onConflict((conflict) =>
      conflict
        .columns(['scheduleId', 'dueAt'])
        .doUpdateSet({ at, state, batchId, detail })
        .where('scheduleRuns.scheduleId', '=', scheduleId)
        .where('scheduleRuns.dueAt', '=', dueAt)
        .where('scheduleRuns.state', '=', 'missed'),
    )
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows !== 0n;
}

export function createScheduleListing(db: Database) {
  /** An admin sees all, a company its own. */
  function visibleTo({ role, companyId }: Caller) {
    const query = db.selectFrom('schedules').selectAll().where('removedAt', 'is', null);
    return role === 'admin' ? query : query.where('companyId', '=', companyId ?? '');
  }

  return {
    async get(caller: Caller, id: string): Promise<Schedule> {
      const row = await visibleTo(caller).where('id', '=', id).executeTakeFirst();
      if (!row) throw new GatewayError('not_found');
      return scheduleOf(row);
    },

    /** The newest first. */
    async list(caller: Caller, { limit, cursor }: Page) {
      let query = visibleTo(caller);
      if (cursor) query = query.where('id', '<', cursor);
      const rows = await query
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      const page = pageOf(rows, limit);
      return { ...page, items: page.items.map(scheduleOf) };
    },

    /** Those of one schedule, the newest first. */
    async runs(id: string, { limit, cursor }: Page) {
      let query = db.selectFrom('scheduleRuns').selectAll().where('scheduleId', '=', id);
      if (cursor) query = query.where('id', '<', cursor);
      const rows = await query
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(rows, limit);
    },
  };
}
