import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { createTurns } from '../lib/turns.ts';
import { createBatches, type Plan, type Refused } from './embedded/batch.ts';
import { columnsOf, openDuckdb } from './embedded/duckdb.ts';
import { createMonthFiles, DAY, LEFT_OVER, type Month, monthAt, monthOfFile } from './embedded/month.ts';
import { createQueries } from './embedded/queries.ts';
import type { SpoolRecord } from './segments.ts';
import type { ReadingStore, StoreParts } from './store.ts';

/**
 * Readings in DuckDB, one file a month (of UTC+8), so that a month is removed by deleting its file. The position in the spool is committed
 * with the last rows of a batch. What a crash left half written comes again, and values that are there already are passed over.
 */

/** Fresh rows are settled when there are so many: the more, the better sorted, but each question looks through all fresh rows. */
const SETTLE_ROWS = 1_000_000;

export interface EmbeddedOptions {
  settleRows: number;
}

type Questions = ReturnType<typeof createQueries>;

/** Opens all months of a folder. Dispose writes what DuckDB holds to the files and closes them. */
export async function openEmbeddedStore(
  folder: string,
  { clock, log, refuse, spoolId, keepRawDays, keepRollupDays }: StoreParts,
  { settleRows }: EmbeddedOptions = { settleRows: SETTLE_ROWS },
): Promise<ReadingStore> {
  await mkdir(folder, { recursive: true });
  const spill = join(folder, 'spill');
  const months = new Map<string, Month>();
  for (const name of await readdir(folder)) {
    const month = monthOfFile(folder, name);
    if (month) months.set(month.name, month);
    if (name === 'spill' || LEFT_OVER.test(name)) await rm(join(folder, name), { recursive: true });
  }
  await using stack = new AsyncDisposableStack();
  const duckdb = stack.use(await openDuckdb(spill));
  const files = createMonthFiles(duckdb);
  const batches = createBatches(duckdb);
  const inTurn = createTurns();
  let position = 0;
  /** Of the last write that moved the position: each is a row more, and the one with the greatest number counts. */
  let writeNumber = 0;
  /** Up to which sequence refusals were handed over, so that a batch that is tried again hands over nothing twice. */
  let refusedTo = 0;
  let settleFrom = settleRows;

  let positionNumber = 0;
  for (const month of months.values()) {
    await files.attach(month);
    const [numbers, ownNumbers, sequences] = await columnsOf(
      duckdb.writer,
      `select max(write_number), max(write_number) filter (spool = $1), arg_max(sequence, write_number) filter (spool = $1)
        from ${month.as}.positions`,
      [spoolId],
    );
    writeNumber = Math.max(writeNumber, Number(numbers?.[0] ?? 0));
    const ownNumber = Number(ownNumbers?.[0] ?? 0);
    if (ownNumber <= positionNumber) continue;
    positionNumber = ownNumber;
    position = Number(sequences?.[0]);
  }

  /** The months that a range touches, the oldest first. */
  const touched = (from: number, to: number): Month[] =>
    [...months.values()].filter(({ start, end }) => start < to && end > from).sort((a, b) => a.start - b.start);

  /** Values before this are refused, so that raw values can be removed. Epoch ms. */
  const oldest = () => (keepRawDays > 0 ? clock.now() - keepRawDays * DAY : Number.NEGATIVE_INFINITY);
  /** Months that end before this are removed. Epoch ms. */
  const oldestRollup = () =>
    keepRawDays > 0 && keepRollupDays > 0
      ? clock.now() - Math.max(keepRawDays, keepRollupDays) * DAY
      : Number.NEGATIVE_INFINITY;

  /** A month that can be written to. */
  async function openMonth(time: number): Promise<Month> {
    const made = monthAt(folder, time);
    const month = months.get(made.name) ?? made;
    months.set(month.name, month);
    await files.attach(month);
    return month;
  }

  function byMonth(records: SpoolRecord[]): Map<number, SpoolRecord[]> {
    const sorted = new Map<number, SpoolRecord[]>();
    let [start, end] = [0, 0];
    let own: SpoolRecord[] = [];
    for (const record of records) {
      if (record.time < start || record.time >= end) {
        ({ start, end } = monthAt(folder, record.time));
        own = sorted.get(start) ?? [];
        sorted.set(start, own);
      }
      own.push(record);
    }
    return sorted;
  }

  const tooOld =
    (detail: string) =>
    ({ sequence, terminalId, time, values }: SpoolRecord): Refused => ({
      sequence,
      terminalId,
      time,
      values,
      reason: 'too_old',
      detail,
    });

  async function planOf(time: number, records: SpoolRecord[]): Promise<{ month: Month; plan: Plan }> {
    const month = await openMonth(time);
    month.names ??= await batches.loadNames(month);
    if (month.raw) return { month, plan: await batches.plan(month, month.names, records) };
    return { month, plan: { kept: [], refused: records.map(tooOld('the values of its month have been removed')) } };
  }

  async function handOver(refused: Refused[], sequence: number): Promise<void> {
    const refusals = refused.filter((one) => one.sequence > refusedTo).map(({ sequence: _, ...refusal }) => refusal);
    if (refusals.length > 0) await refuse(refusals);
    refusedTo = Math.max(refusedTo, sequence);
  }

  async function appendPosition({ as }: Month, sequence: number): Promise<void> {
    const appender = await duckdb.writer.createAppender('positions', 'main', as);
    writeNumber += 1;
    appender.appendBigInt(BigInt(writeNumber));
    appender.appendVarchar(spoolId);
    appender.appendBigInt(BigInt(sequence));
    appender.endRow();
    appender.closeSync();
  }

  /** With `sequence`, the position is committed together with the rows. */
  async function writeMonth(month: Month, plan: Plan | undefined, sequence: number | undefined): Promise<void> {
    const rows = await files.change(month, async () => {
      const count = plan && month.names ? await batches.append(month, month.names, plan) : 0;
      if (sequence !== undefined) await appendPosition(month, sequence);
      return count;
    });
    month.fresh += rows;
    if (rows > 0) month.writtenAt = clock.now();
  }

  /** Rows that cannot be settled stay where they are, and are found there all the same. */
  async function settleIfMany(month: Month): Promise<void> {
    if (month.fresh < settleFrom) return;
    try {
      await files.settle(month, files.closable(month, clock.now()));
      settleFrom = settleRows;
    } catch (error) {
      settleFrom = month.fresh + settleRows / 2;
      log.warn(
        { err: error, month: month.name, rows: month.fresh },
        'store: rows could not be sorted; it is tried again',
      );
    }
  }

  async function write(records: SpoolRecord[]): Promise<void> {
    const sequence = records.at(-1)?.sequence;
    if (sequence === undefined) return;
    const since = oldest();
    const refused = records.filter(({ time }) => time < since).map(tooOld(`values are kept for ${keepRawDays} days`));
    const plans = [];
    for (const [start, own] of byMonth(records.filter(({ time }) => time >= since)))
      plans.push(await planOf(start, own));
    for (const { plan } of plans) refused.push(...plan.refused);
    await handOver(refused, sequence);
    plans.sort((a, b) => a.month.start - b.month.start);
    const last = plans.pop() ?? { month: await openMonth(clock.now()), plan: undefined };
    for (const { month, plan } of plans) await writeMonth(month, plan, undefined);
    await writeMonth(last.month, last.plan, sequence);
    position = sequence;
    for (const { month } of [...plans, last]) await settleIfMany(month);
  }

  async function writeAhead(records: SpoolRecord[]): Promise<void> {
    const since = oldest();
    for (const [start, own] of byMonth(records.filter(({ time }) => time >= since))) {
      const { month, plan } = await planOf(start, own);
      await writeMonth(month, plan, undefined);
      await settleIfMany(month);
    }
  }

  async function removeMonth(month: Month): Promise<void> {
    if (position > 0) {
      const newest = touched(month.end, Number.POSITIVE_INFINITY).at(-1);
      await writeMonth(await openMonth(newest?.start ?? clock.now()), undefined, position);
    }
    await files.remove(month);
    months.delete(month.name);
  }

  async function tendMonth(month: Month): Promise<void> {
    if (month.end <= oldestRollup()) return removeMonth(month);
    await files.attach(month);
    if (month.raw && month.end <= oldest()) return files.dropRaw(month);
    if (files.due(month, clock.now())) await files.settle(month, files.closable(month, clock.now()));
  }

  /** Asks while all months of the range are attached and stay so; those that failed are attached again first. */
  async function ask<T>(from: number, to: number, question: (questions: Questions) => Promise<T>): Promise<T> {
    for (;;) {
      for (const month of touched(from, to)) if (month.state === 'broken') await inTurn(() => files.attach(month));
      const answer = await duckdb.read(async (connection: DuckDBConnection) => {
        const sound = touched(from, to);
        if (sound.some(({ state }) => state === 'broken')) return undefined;
        return { answer: await question(createQueries(connection, sound)) };
      });
      if (answer) return answer.answer;
    }
  }

  stack.defer(() =>
    inTurn(() =>
      duckdb.alone(async () => {
        for (const month of months.values())
          await files
            .detach(month)
            .catch((error) => log.error({ err: error }, 'store: a month was not closed cleanly'));
      }),
    ),
  );
  const opened = stack.move();

  return {
    position: async () => position,
    write: (records) => inTurn(() => write(records)),
    writeAhead: (records) => inTurn(() => writeAhead(records)),
    points: (series, limit) => ask(series.from, series.to, (questions) => questions.points(series, limit)),
    windows: (series, everyMs) => ask(series.from, series.to, (questions) => questions.windows(series, everyMs)),
    windowsOfEach: (group, everyMs) =>
      ask(group.from, group.to, (questions) => questions.windowsOfEach(group, everyMs)),
    together: (group, everyMs, aggregate) =>
      ask(group.from, group.to, (questions) => questions.together(group, everyMs, aggregate)),
    rows: (range, limit) => ask(range.from, range.to, (questions) => questions.rows(range, limit)),

    newest() {
      const since = touched(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY).at(-2)?.start;
      return ask(since ?? Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, (questions) => questions.newest());
    },

    async tend() {
      const troubles: unknown[] = [];
      for (const month of touched(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY))
        await inTurn(() => tendMonth(month)).catch((error) => troubles.push(error));
      if (troubles.length > 0) throw new AggregateError(troubles, 'some months could not be tended');
    },

    ping: () => ask(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, async () => undefined),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
