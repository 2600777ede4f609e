import type { Caller } from '../areas/scope.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../db/database.ts';
import type { BatchItemRow } from '../db/schema-batches.ts';
import { type Clock, every } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Registry, Terminal } from '../terminals/registry.ts';
import { auditOfItem } from './batch-audit.ts';
import { isFailing, underWay } from './batch-life.ts';
import { type Batch, countsOf, withCounts } from './batch-rows.ts';
import type { Batches, BatchLimits } from './batches.ts';
import type { Command, Commands } from './commands.ts';
import type { Judge, Judgement } from './judge.ts';
import type { createRequests } from './requests.ts';
import { type Reason, words } from './rules.ts';

/**
 * Gives out the items of running batches, a few at a time: so many a minute in each cell, so many under way in all, and none any more
 * when too many fail. Everything that it goes by is a row, so that it goes on after a crash where it was, and gives out nothing twice.
 */

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
  /** What was told of each batch last, so that only news is told. */
  const told = new Map<string, string>();

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
    const news = JSON.stringify([batch.state, batch.counts]);
    if (told.get(batch.id) === news) return;
    told.set(batch.id, news);
    batches.announce(batch);
  }

  async function turn(): Promise<void> {
    const rows = await db.selectFrom('commandBatches').selectAll().where('state', 'in', ['held', 'running']).execute();
    const mine = await withCounts(
      db,
      rows.filter(({ id }) => owns(id)),
    );
    for (const id of told.keys()) if (!mine.some((batch) => batch.id === id)) told.delete(id);
    for (const batch of mine) {
      if (batch.state === 'running') {
        tell(batch);
        await drive(batch);
      } else if (clock.now() >= batch.expiresAt) await batches.step(batch, 'expire', null);
    }
  }

  return every(clock, TURN_MS, turn, (error) => log.error({ err: error }, 'batch: a turn failed'));
}
