import type { Transaction } from 'kysely';
import { type Caller, personOf } from '../areas/scope.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';
import type { BatchRow, BatchState } from '../db/schema-batches.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { auditOfBatch } from './batch-audit.ts';
import { type BatchEvent, nextBatchState } from './batch-life.ts';
import { type BatchPlan, type BatchPlanning, type BatchRequest, hashOfList } from './batch-plan.ts';
import { type Batch, type BatchStep, createBatchListing, insertBatch, withCounts } from './batch-rows.ts';
import type { Commands } from './commands.ts';
import type { Policies } from './policies.ts';
import { mustBeSecond } from './requests.ts';

/** Batches as people ask for them, decide over them and take them back. What is in one never changes. */

export interface BatchLimits {
  terminals: number;
  perCellPerMinute: number;
  inFlight: number;
  failurePercent: number;
  failureAtLeast: number;
}

const isNow = (state: BatchState): GatewayError =>
  new GatewayError('wrong_state', { zh: '批次的状态已变，请刷新后再看', en: `The batch is ${state}` });

/** Who pauses and resumes more often keeps the newest steps only. */
const MOST_STEPS = 200;

/** `onChange` is told of every new batch and every step. */
export function createBatches(parts: {
  db: Database;
  clock: Clock;
  audit: Audit;
  /** The name of this gateway in the audit. */
  gateway: string;
  commands: Commands;
  policies: Policies;
  planning: BatchPlanning;
  limits: BatchLimits;
  onChange: (batch: Batch) => void;
}) {
  const { db, clock, audit, gateway, commands, policies, planning, limits, onChange } = parts;
  const listing = createBatchListing(db);

  /** What all its terminals have in common, for who may see it. */
  function companyOf({ items }: BatchPlan): string | null {
    const companies = new Set(items.map(({ terminal }) => terminal.companyId));
    const [first = null] = companies;
    return companies.size === 1 ? first : null;
  }

  function lowered(asked: number | undefined, most: number, what: string): number {
    if (asked !== undefined && asked > most)
      throw new GatewayError('invalid_request', {
        zh: `${what}：这里最多 ${most}`,
        en: `${what}: here ${most} is the most`,
      });
    return asked ?? most;
  }

  function rowOf(caller: Caller, request: BatchRequest, via: BatchRow['via'], plan: BatchPlan): BatchRow {
    const now = clock.now();
    const state = ({ held: 'held', allowed: 'running', refused: 'done' } as const)[plan.decision];
    const first: BatchStep = { state, at: now, by: caller.name, detail: null };
    return {
      id: newId('bat'),
      state,
      via,
      command: request.command,
      value: JSON.stringify(request.value),
      reason: request.reason,
      purpose: request.purpose ?? null,
      expiresInS: request.expiresInS,
      areaCode: request.areaCode ?? null,
      companyId: companyOf(plan),
      requestedBy: caller.name,
      requestedById: personOf(caller),
      createdAt: now,
      expiresAt: now + policies.holdS() * 1_000,
      total: plan.items.length,
      homes: plan.homes,
      listHash: plan.listHash,
      perCellPerMinute: lowered(request.perCellPerMinute, limits.perCellPerMinute, 'perCellPerMinute'),
      inFlight: lowered(request.inFlight, limits.inFlight, 'inFlight'),
      policyVersion: plan.policyVersion,
      approvedBy: null,
      approvedAt: null,
      countFrom: now,
      history: JSON.stringify([first]),
    };
  }

  /** Takes one step. Returns undefined, and changes nothing, when the table does not allow it or another was quicker. */
  async function step(
    batch: Batch,
    event: BatchEvent,
    by: string | null,
    detail: string | null = null,
  ): Promise<Batch | undefined> {
    const state = nextBatchState(batch.state, event);
    if (!state) return undefined;
    const now = clock.now();
    const history = [...batch.history, { state, at: now, by, detail }].slice(-MOST_STEPS);
    const isEnd = state === 'cancelled' || state === 'refused';
    const row = await db.transaction().execute(async (transaction) => {
      const changed = await transaction
        .updateTable('commandBatches')
        .set({
          state,
          history: JSON.stringify(history),
          ...(event === 'approve' && { approvedBy: by, approvedAt: now }),
          ...((event === 'approve' || event === 'resume') && { countFrom: now }),
        })
        .where('id', '=', batch.id)
        .where('state', '=', batch.state)
        .returningAll()
        .executeTakeFirst();
      if (changed && isEnd) {
        await transaction
          .updateTable('commandBatchItems')
          .set({ state: 'cancelled' })
          .where('batchId', '=', batch.id)
          .where('state', '=', 'waiting')
          .execute();
      }
      if (changed) await audit.record(transaction, auditOfBatch(changed, event, by ?? `gateway:${gateway}`, detail));
      return changed;
    });
    const [next] = row ? await withCounts(db, [row]) : [];
    if (next) onChange(next);
    return next;
  }

  async function decided(batch: Batch, event: BatchEvent, by: string, detail: string | null): Promise<Batch> {
    const next = await step(batch, event, by, detail);
    if (next) return next;
    const [row] = await db.selectFrom('commandBatches').select('state').where('id', '=', batch.id).execute();
    throw isNow(row?.state ?? batch.state);
  }

  /** A batch that waits for a second person, whom this caller may be. */
  async function waiting(caller: Caller, id: string): Promise<Batch> {
    const batch = await listing.get(caller, id);
    if (batch.state !== 'held') throw isNow(batch.state);
    mustBeSecond(caller, batch);
    if (clock.now() >= batch.expiresAt)
      throw new GatewayError('wrong_state', { zh: '审批期限已过', en: 'Its time to be approved is over' });
    return batch;
  }

  /** The list is what was shown, and still is. */
  async function mustBeSeen(batch: Batch, listHash: string | undefined): Promise<void> {
    const items = await db
      .selectFrom('commandBatchItems')
      .select(['terminalId', 'state', 'rules'])
      .where('batchId', '=', batch.id)
      .orderBy('position')
      .execute();
    const now = hashOfList(
      { command: batch.command, value: JSON.stringify(batch.value) },
      items.map(({ terminalId, state, rules }) => ({ terminalId, refused: state === 'refused', rules })),
    );
    if (now !== batch.listHash || (listHash !== undefined && listHash !== batch.listHash)) {
      throw new GatewayError('wrong_state', {
        zh: '名单与所显示的不同，请刷新后再看',
        en: 'This is not the list that was shown; look again',
      });
    }
  }

  /** What was not sent yet is taken back; what was goes on to its end. */
  async function cancelQueued(batch: Batch, by: string): Promise<void> {
    const rows = await db
      .selectFrom('commandBatchItems')
      .innerJoin('commands', 'commands.id', 'commandBatchItems.commandId')
      .select(['commands.id', 'commands.terminalId'])
      .where('commandBatchItems.batchId', '=', batch.id)
      .where('commands.state', 'in', ['queued', 'held'])
      .execute();
    for (const { id, terminalId } of rows) {
      const command = commands.openOf(terminalId).find((one) => one.id === id);
      if (command) await commands.step(command, 'cancel', 'cancelled', by);
    }
  }

  return {
    ...listing,
    plan: planning.plan,
    step,

    /** What a batch would do. That somebody asked is on record. */
    async preview(caller: Caller, request: BatchRequest): Promise<BatchPlan> {
      const plan = await planning.plan(caller, request, 'batch');
      const row = rowOf(caller, request, 'batch', plan);
      await audit.note(auditOfBatch(row, 'preview', caller.name, null));
      return plan;
    },

    /** Writes a batch as it was planned, as the last thing of the transaction; `announce` it when that is through. */
    async create(
      transaction: Transaction<Tables>,
      caller: Caller,
      request: BatchRequest,
      plan: BatchPlan,
      via: BatchRow['via'] = 'batch',
    ): Promise<Batch> {
      const row = rowOf(caller, request, via, plan);
      const batch = await insertBatch(transaction, row, plan);
      await audit.record(transaction, auditOfBatch(row, row.state === 'held' ? 'hold' : 'request', caller.name, null));
      return batch;
    },

    announce: onChange,

    /** A second person allows the list that they were shown. Each command is judged once more at its turn. */
    async approve(
      caller: Caller,
      id: string,
      { listHash, reason }: { listHash?: string | undefined; reason?: string | undefined },
    ) {
      const batch = await waiting(caller, id);
      await mustBeSeen(batch, listHash);
      return decided(batch, 'approve', caller.name, reason ?? null);
    },

    async refuse(caller: Caller, id: string, { reason }: { reason?: string | undefined }): Promise<Batch> {
      return decided(await waiting(caller, id), 'refuse', caller.name, reason ?? null);
    },

    pause: async (caller: Caller, id: string) => decided(await listing.get(caller, id), 'pause', caller.name, null),
    resume: async (caller: Caller, id: string) => decided(await listing.get(caller, id), 'resume', caller.name, null),

    async cancel(caller: Caller, id: string): Promise<Batch> {
      const cancelled = await decided(await listing.get(caller, id), 'cancel', caller.name, null);
      await cancelQueued(cancelled, caller.name);
      return listing.get(caller, id);
    },
  };
}
export type Batches = ReturnType<typeof createBatches>;
