import type { Caller } from '../areas/scope.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../db/database.ts';
import type { BatchItemRow, BatchRow, BatchState } from '../db/schema-batches.ts';
import { type Clock, every } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Registry, Terminal } from '../terminals/registry.ts';
import { auditOfItem } from './batch-audit.ts';
import { isFailing, underWay } from './batch-life.ts';
import { type Batch, type BatchStep, countsOf, withCounts } from './batch-rows.ts';
import type { Batches, BatchLimits } from './batches.ts';
import type { Command, Commands } from './commands.ts';
import type { Judge, Judgement } from './judge.ts';
import type { createRequests } from './requests.ts';
import { type Reason, words } from './rules.ts';

/**
 * Gives out the items of running batches, a few at a time: so many a minute in each cell, so many under way in all, and none any more
 * when too many fail. Everything that it goes by is a row, so that it goes on after a crash where it was, and gives out nothing twice.
 */

/** Something can still become of these. */
const OPEN: readonly BatchState[] = ['held', 'running', 'paused', 'stopped'];
interface Told {
  news: string;
  /** When its last step was. */
  stepAt: number | undefined;
  isMoving: boolean;
}

const TURN_MS = 1_000;
const MINUTE_MS = 60_000;
/** Their number is in the rows; only as many are read at once as one turn may take. */
const MOST_A_TURN = 500;

/** Nothing but a name and a person is asked of who asked for it. */
const requesterOf = ({ requestedBy, requestedById }: Batch): Caller => ({
  id: requestedById,
  personId: requestedById,
  name: requestedBy,
  role: 'company',
  companyId: null,
  areaCode: null,
  householdId: null,
});

/** Dispose ends it; batches go on after the next start. */
export function startRollout(parts: {
  db: Database;
  clock: Clock;
  log: Logger;
  registry: Registry;
  batches: Batches;
  commands: Commands;
  judge: Judge;
  audit: Audit;
  /** The name of this gateway in the audit. */
  gateway: string;
  issue: ReturnType<typeof createRequests>['issue'];
  limits: BatchLimits;
  /** Of several gateways, whether this one does it. */
  owns: (batchId: string) => boolean;
  /** A command waits to be sent. */
  onIssued: (terminalId: string) => void;
}): Disposable {
  const { db, clock, log, registry, batches, commands, judge, audit, gateway, issue, limits, owns, onIssued } = parts;
  /** What was told of each batch that is not over, so that only news is told. */
  const told = new Map<string, Told>();

  /** How many each cell had lately. A clock that was set back has forgotten the future. */
  async function lately({ id }: Batch): Promise<Map<string, number>> {
    const now = clock.now();
    const rows = await db
      .selectFrom('commandBatchItems')
      .select(['areaCode'])
      .select((row) => row.fn.countAll<number>().as('count'))
      .where('batchId', '=', id)
      .where('at', '>', now - MINUTE_MS)
      .where('at', '<=', now)
      .groupBy('areaCode')
      .execute();
    return new Map(rows.map(({ areaCode, count }) => [areaCode, Number(count)]));
  }

  /** The next ones, as far as the rate of each cell and the number under way allow. */
  async function due(batch: Batch): Promise<BatchItemRow[]> {
    const room = Math.min(MOST_A_TURN, batch.inFlight - underWay(batch.counts));
    if (room <= 0) return [];
    const given = await lately(batch);
    const full = [...given].filter(([, count]) => count >= batch.perCellPerMinute).map(([areaCode]) => areaCode);
    let query = db
      .selectFrom('commandBatchItems')
      .selectAll()
      .where('batchId', '=', batch.id)
      .where('state', '=', 'waiting');
    if (full.length > 0) query = query.where('areaCode', 'not in', full);
    const rows = await query.orderBy('position').limit(MOST_A_TURN).execute();
    // Spread over the minute, so that a cell does not have its whole share at once.
    const aTurn = Math.ceil((batch.perCellPerMinute * TURN_MS) / MINUTE_MS);
    const turn = new Map<string, number>();
    return rows
      .filter(({ areaCode }) => {
        const count = turn.get(areaCode) ?? 0;
        if (count >= aTurn || (given.get(areaCode) ?? 0) + count >= batch.perCellPerMinute) return false;
        turn.set(areaCode, count + 1);
        return true;
      })
      .slice(0, room);
  }

  /** Where it stood when a person decided over it. */
  function unmoved(item: BatchItemRow): Terminal | undefined {
    const terminal = registry.find(item.terminalId);
    const { householdId, companyId } = item;
    return terminal?.householdId === householdId && terminal.companyId === companyId ? terminal : undefined;
  }

  /** What it is judged by at its turn: a rule that no second person has seen holds nothing any more, it refuses. */
  const contextOf = (batch: Batch, item: BatchItemRow) => ({
    via: batch.via,
    ...(batch.approvedBy !== null && { approved: (JSON.parse(item.rules) as Reason[]).map(({ rule }) => rule) }),
  });

  /** One item becomes a command, or is refused: both are rows in one transaction. False when the batch does not run any more. */
  async function give(batch: Batch, item: BatchItemRow): Promise<boolean> {
    const terminal = unmoved(item);
    const done = await db
      .transaction()
      .execute(async (transaction): Promise<Command | 'refused' | 'taken' | 'over'> => {
        const itself = transaction
          .updateTable('commandBatchItems')
          .where('batchId', '=', batch.id)
          .where('terminalId', '=', item.terminalId);
        // Holds the batch's row: whoever pauses or cancels it comes before or after.
        const runs = await transaction
          .updateTable('commandBatches')
          .set({ state: 'running' })
          .where('id', '=', batch.id)
          .where('state', '=', 'running')
          .executeTakeFirstOrThrow();
        if (runs.numUpdatedRows === 0n) return 'over';
        const taken = await itself
          .set({ state: 'issued', at: clock.now() })
          .where('state', '=', 'waiting')
          .executeTakeFirstOrThrow();
        if (taken.numUpdatedRows === 0n) return 'taken';
        const judgement: Judgement | undefined =
          terminal && (await judge(terminal, batch, contextOf(batch, item), transaction));
        if (!terminal || judgement?.decision !== 'allowed') {
          const rules: Reason[] = judgement?.rules ?? [{ rule: 'moved', ...words.moved() }];
          await itself.set({ state: 'refused', rules: JSON.stringify(rules) }).execute();
          await audit.record(transaction, auditOfItem(batch, item, rules, gateway));
          return 'refused';
        }
        const command = await issue(transaction, terminal, requesterOf(batch), { ...batch, judgement });
        await itself.set({ commandId: command.id }).execute();
        return command;
      });
    if (done === 'over') return false;
    if (typeof done === 'string') return true;
    await commands.announce(done);
    onIssued(done.terminalId);
    return true;
  }

  async function drive(batch: Batch): Promise<void> {
    const since = (await countsOf(db, [batch.id], batch.countFrom)).get(batch.id) ?? {};
    const limit = { percent: limits.failurePercent, atLeast: limits.failureAtLeast };
    if (isFailing(since, limit)) {
      log.warn({ batch: batch.id, counts: since }, 'batch: stopped, as too many of its commands failed');
      await batches.step(batch, 'stop', null);
      return;
    }
    if (!batch.counts.waiting && underWay(batch.counts) === 0) {
      await batches.step(batch, 'finish', null);
      return;
    }
    for (const item of await due(batch)) if (!(await give(batch, item))) return;
  }

  function tell(batch: Batch): void {
    const { id, state, counts, history } = batch;
    const news = JSON.stringify([state, counts]);
    if (told.get(id)?.news !== news) batches.announce(batch);
    if (OPEN.includes(state)) told.set(id, { news, stepAt: history.at(-1)?.at, isMoving: underWay(counts) > 0 });
    else told.delete(id);
  }

  /** Whether there may be news of it; a batch that rests costs nothing. */
  function mayHaveChanged({ id, state, history }: BatchRow): boolean {
    const known = told.get(id);
    if (state === 'running' || !known || known.isMoving) return true;
    return known.stepAt !== (JSON.parse(history) as BatchStep[]).at(-1)?.at;
  }

  /** Each gateway tells those who listen there of all batches; it drives its own. */
  async function turn(): Promise<void> {
    const rows = await db
      .selectFrom('commandBatches')
      .selectAll()
      .where((row) => row.or([row('state', 'in', OPEN), ...[...told.keys()].map((id) => row('id', '=', id))]))
      .execute();
    for (const batch of await withCounts(db, rows.filter(mayHaveChanged))) {
      tell(batch);
      if (batch.state === 'running' && owns(batch.id)) await drive(batch);
    }
    for (const row of rows.filter(({ id, state }) => state === 'held' && owns(id))) {
      if (clock.now() < row.expiresAt) continue;
      const [batch] = await withCounts(db, [row]);
      if (batch) await batches.step(batch, 'expire', null);
    }
  }

  return every(clock, TURN_MS, turn, (error) => log.error({ err: error }, 'batch: a turn failed'));
}
