import type { Transaction } from 'kysely';
import { type Caller, personOf } from '../areas/scope.ts';
import type { Audit, AuditEntry } from '../audit/audit.ts';
import type { Database } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';
import type { ScheduleRow } from '../db/schema-schedules.ts';
import { type Clock, every } from '../lib/clock.ts';
import { GatewayError, type TroubleCode } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';
import { nextRun, type Recurrence } from '../lib/recurrence.ts';
import type { BatchPlan, BatchRequest } from './batch-plan.ts';
import type { Batches } from './batches.ts';
import { callerOf, createScheduleListing, noteRun, requestOf, type Schedule, scheduleOf } from './schedule-rows.ts';

/** Commands at a time: each time is a batch, judged as things are then. A time that was missed is noted and not made up. */

export interface ScheduleLimits {
  /** A time that is later than this is missed. Seconds. */
  graceS: number;
  /** Of one company, or of the admins. */
  most: number;
}

const TURN_MS = 1_000;
/** Every week has its time; what is farther away was reckoned by a clock that has been set back. */
const FARTHEST_MS = 8 * 86_400_000;
/** After a year away, the oldest are noted one by one and the rest as one. */
const MOST_MISSED = 60;

/** Why a time was not kept: a code of its own, or that of the trouble which a batch met. */
type Refused = { code: TroubleCode | 'requester_gone'; message?: string };
export type NewSchedule = Omit<BatchRequest, 'online' | 'perCellPerMinute' | 'inFlight'> & { recurrence: Recurrence };
/** `version` is that of the schedule which was seen. */
export interface ScheduleChange {
  version: number;
  value?: string | number | undefined;
  reason?: string | undefined;
  recurrence?: Recurrence | undefined;
  active?: boolean | undefined;
}

/** Dispose ends it. */
export function startSchedules(parts: {
  db: Database;
  clock: Clock;
  log: Logger;
  audit: Audit;
  gateway: string;
  batches: Batches;
  limits: ScheduleLimits;
  /** Of several gateways, whether this one does it. */
  owns: (scheduleId: string) => boolean;
}) {
  const { db, clock, log, audit, gateway, batches, limits, owns } = parts;
  const listing = createScheduleListing(db);

  const entryOf = (action: AuditEntry['action'], actor: string, row: ScheduleRow, more: object = {}): AuditEntry => ({
    actor,
    action,
    subject: row.id,
    companyId: row.companyId,
    detail: {
      command: row.command,
      value: JSON.parse(row.value),
      reason: row.reason,
      recurrence: row.recurrence,
      ...more,
    },
  });

  function upcoming(recurrence: Recurrence): number {
    const next = nextRun(recurrence, clock.now());
    if (next === undefined)
      throw new GatewayError('invalid_request', { zh: '这个时间已经过去', en: 'at: this time is over' });
    return next;
  }

  async function haveRoom(transaction: Transaction<Tables>, { companyId }: Caller): Promise<void> {
    const { count } = await transaction
      .selectFrom('schedules')
      .select((row) => row.fn.countAll<number>().as('count'))
      .where('removedAt', 'is', null)
      .where('nextAt', 'is not', null)
      .where('companyId', 'is not distinct from', companyId)
      .executeTakeFirstOrThrow();
    if (Number(count) >= limits.most)
      throw new GatewayError('conflict', {
        zh: `定时任务已达上限 ${limits.most} 个`,
        en: `There are ${limits.most} schedules already`,
      });
  }

  /** Takes the schedule on to its next time. False when another was quicker. */
  async function moveOn(transaction: Transaction<Tables>, { id, nextAt }: Schedule, next: number | undefined) {
    const { numUpdatedRows } = await transaction
      .updateTable('schedules')
      .set({ nextAt: next ?? null })
      .where('id', '=', id)
      .where('nextAt', '=', nextAt)
      .where('active', '=', 1)
      .where('removedAt', 'is', null)
      .executeTakeFirstOrThrow();
    return numUpdatedRows === 1n;
  }

  async function isGone({ requestedById }: Schedule): Promise<boolean> {
    const user = await db.selectFrom('users').select('id').where('id', '=', requestedById).executeTakeFirst();
    if (user) return false;
    return !(await db.selectFrom('apiKeys').select('id').where('id', '=', requestedById).executeTakeFirst());
  }

  async function planOf(schedule: Schedule): Promise<BatchPlan | Refused> {
    if (await isGone(schedule)) return { code: 'requester_gone' };
    try {
      return await batches.plan(callerOf(schedule), requestOf(schedule), 'schedule');
    } catch (error) {
      if (error instanceof GatewayError) return { code: error.code, message: error.message };
      throw error;
    }
  }

  async function run(row: ScheduleRow, dueAt: number): Promise<void> {
    const schedule = scheduleOf(row);
    const plan = await planOf(schedule);
    const batch = await db.transaction().execute(async (transaction) => {
      if (!(await moveOn(transaction, schedule, nextRun(schedule.recurrence, dueAt)))) return undefined;
      const noted = { scheduleId: row.id, dueAt, at: clock.now() };
      if ('code' in plan) {
        await noteRun(transaction, { ...noted, state: 'refused', batchId: null, detail: plan.code });
        await audit.record(transaction, entryOf('schedule_refused', `gateway:${gateway}`, row, { ...plan }));
        return undefined;
      }
      const state = ({ allowed: 'ran', held: 'held', refused: 'refused' } as const)[plan.decision];
      if (!(await noteRun(transaction, { ...noted, state, batchId: null, detail: null }))) return undefined;
      const made = await batches.create(transaction, callerOf(schedule), requestOf(schedule), plan, 'schedule');
      await transaction
        .updateTable('scheduleRuns')
        .set({ batchId: made.id })
        .where('scheduleId', '=', row.id)
        .where('dueAt', '=', dueAt)
        .execute();
      return made;
    });
    if (batch) batches.announce(batch);
  }

  async function miss(row: ScheduleRow, dueAt: number): Promise<void> {
    const schedule = scheduleOf(row);
    const from = clock.now() - limits.graceS * 1_000;
    const missed: number[] = [];
    let next: number | undefined = dueAt;
    for (
      ;
      next !== undefined && next < from && missed.length < MOST_MISSED;
      next = nextRun(schedule.recurrence, next)
    ) {
      missed.push(next);
    }
    const more = next !== undefined && next < from;
    if (more) next = nextRun(schedule.recurrence, from);
    const detail = more ? 'more_missed' : null;
    await db.transaction().execute(async (transaction) => {
      if (!(await moveOn(transaction, schedule, next))) return;
      for (const due of missed) {
        const last = due === missed.at(-1) ? detail : null;
        const noted = { scheduleId: row.id, dueAt: due, at: clock.now(), batchId: null };
        await noteRun(transaction, { ...noted, state: 'missed', detail: last });
      }
      await audit.record(transaction, entryOf('schedule_missed', `gateway:${gateway}`, row, { times: missed.length }));
    });
    log.warn({ schedule: row.id, times: missed.length }, 'schedule: missed, and not made up');
  }

  async function turn(): Promise<void> {
    const now = clock.now();
    const rows = await db
      .selectFrom('schedules')
      .selectAll()
      .where('active', '=', 1)
      .where('removedAt', 'is', null)
      .where((row) => row.or([row('nextAt', '<=', now), row('nextAt', '>', now + FARTHEST_MS)]))
      .execute();
    for (const row of rows) {
      if (row.nextAt === null || !owns(row.id)) continue;
      const schedule = scheduleOf(row);
      if (row.nextAt > now) {
        // A single time may be far away.
        if (schedule.recurrence.kind === 'once') continue;
        await db
          .transaction()
          .execute((transaction) => moveOn(transaction, schedule, nextRun(schedule.recurrence, now)));
      } else if (now - row.nextAt > limits.graceS * 1_000) await miss(row, row.nextAt);
      else await run(row, row.nextAt);
    }
  }

  const turns = every(clock, TURN_MS, turn, (error) => log.error({ err: error }, 'schedule: a turn failed'));

  return {
    ...listing,

    /** What no batch may do is refused now and not at its time. */
    async check(caller: Caller, asked: NewSchedule): Promise<void> {
      await batches.plan(caller, asked, 'schedule');
    },

    /** Writes one that was checked, as the last thing of the transaction. */
    async create(transaction: Transaction<Tables>, caller: Caller, asked: NewSchedule): Promise<Schedule> {
      await haveRoom(transaction, caller);
      const nextAt = upcoming(asked.recurrence);
      const row: ScheduleRow = {
        id: newId('sch'),
        areaCode: asked.areaCode ?? null,
        terminalIds: asked.terminalIds ? JSON.stringify(asked.terminalIds) : null,
        profile: asked.profile ?? null,
        kind: asked.kind ?? null,
        command: asked.command,
        value: JSON.stringify(asked.value),
        reason: asked.reason,
        purpose: asked.purpose ?? null,
        expiresInS: asked.expiresInS,
        recurrence: JSON.stringify(asked.recurrence),
        active: 1,
        version: 1,
        nextAt,
        requestedBy: caller.name,
        requestedById: personOf(caller),
        role: caller.role,
        companyId: caller.companyId,
        createdAt: clock.now(),
        removedAt: null,
      };
      await transaction.insertInto('schedules').values(row).execute();
      await audit.record(transaction, entryOf('schedule_added', caller.name, row));
      return scheduleOf(row);
    },

    /** Whoever changes it has asked for it from then on. */
    async change(caller: Caller, id: string, change: ScheduleChange): Promise<Schedule> {
      const before = await listing.get(caller, id);
      const { value = before.value, reason = before.reason, recurrence = before.recurrence } = change;
      const active = change.active ?? before.active === 1;
      const nextAt = active ? upcoming(recurrence) : before.nextAt;
      await batches.plan(caller, { ...requestOf(before), value, reason }, 'schedule');
      const row = await db.transaction().execute(async (transaction) => {
        const changed = await transaction
          .updateTable('schedules')
          .set({
            value: JSON.stringify(value),
            reason,
            recurrence: JSON.stringify(recurrence),
            active: active ? 1 : 0,
            version: change.version + 1,
            nextAt,
            requestedBy: caller.name,
            requestedById: personOf(caller),
            role: caller.role,
          })
          .where('id', '=', id)
          .where('version', '=', change.version)
          .where('removedAt', 'is', null)
          .returningAll()
          .executeTakeFirst();
        if (!changed) throw new GatewayError('changed_since');
        await audit.record(transaction, entryOf('schedule_changed', caller.name, changed, { active }));
        return changed;
      });
      return scheduleOf(row);
    },

    async remove(caller: Caller, id: string): Promise<void> {
      await listing.get(caller, id);
      await db.transaction().execute(async (transaction) => {
        const row = await transaction
          .updateTable('schedules')
          .set({ removedAt: clock.now() })
          .where('id', '=', id)
          .where('removedAt', 'is', null)
          .returningAll()
          .executeTakeFirst();
        if (row) await audit.record(transaction, entryOf('schedule_removed', caller.name, row));
      });
    },

    [Symbol.dispose]: () => turns[Symbol.dispose](),
  };
}
