import { setImmediate } from 'node:timers/promises';
import { BIGINT, DOUBLE, type DuckDBAppender, DuckDBDataChunk, INTEGER } from '@duckdb/node-api';
import type { SpoolRecord } from '../segments.ts';
import type { Refusal } from '../store.ts';
import { columnsOf, type Duckdb } from './duckdb.ts';
import type { Keys, Month, Names } from './month.ts';

/** What of a batch is new to a month, and how it gets there. Of two values for the same terminal, metric and time the first stays. */

/** Values that are not there yet, of the terminal with this key. */
interface Kept {
  terminal: number;
  time: number;
  values: Record<string, number>;
}

export interface Refused extends Refusal {
  sequence: number;
}

export interface Plan {
  kept: Kept[];
  refused: Refused[];
}

/** Known values by the keys of terminal and time, then by metric. */
type Known = Map<number, Map<number, Map<number, number>>>;

const CHUNK_ROWS = 2_048;
/** After so many readings other work gets its turn. */
const TURN = 1_000;

/** The key of a name, a new one for a new name. */
function keyOf(keys: Keys, name: string): number {
  let key = keys.of.get(name);
  if (key === undefined) {
    key = keys.of.size;
    keys.of.set(name, key);
    keys.unsaved.push(name);
  }
  return key;
}

function metricsAt(known: Known, terminal: number, time: number): Map<number, number> {
  const times = known.get(terminal) ?? new Map<number, Map<number, number>>();
  known.set(terminal, times);
  const metrics = times.get(time) ?? new Map<number, number>();
  times.set(time, metrics);
  return metrics;
}

/** Parts what is new from what is known; what is new is known from then on. */
function sift(record: SpoolRecord, terminal: number, known: Known, names: Names, plan: Plan): void {
  const { time, values, terminalId, sequence } = record;
  const there = metricsAt(known, terminal, time);
  const fresh: Record<string, number> = {};
  const refused: Record<string, number> = {};
  const details: string[] = [];
  for (const metric in values) {
    const value = values[metric] ?? Number.NaN;
    const key = keyOf(names.metrics, metric);
    const first = there.get(key);
    if (first === undefined) {
      there.set(key, value);
      fresh[metric] = value;
    } else if (first !== value) {
      refused[metric] = value;
      details.push(`${metric}: ${first} is kept, ${value} came`);
    }
  }
  plan.kept.push({ terminal, time, values: fresh });
  if (details.length > 0)
    plan.refused.push({ sequence, terminalId, time, values: refused, reason: 'conflict', detail: details.join('; ') });
}

export function createBatches({ writer }: Duckdb) {
  /** Reads what is needed to write to a month. */
  async function loadNames({ as, closed, closedDays }: Month): Promise<Names> {
    const keysOf = async (sql: string): Promise<Keys> => {
      const [keys = [], names = []] = await columnsOf(writer, sql);
      return { of: new Map(keys.map((key, row) => [String(names[row]), Number(key)])), unsaved: [] };
    };
    const [keys = [], times = []] = await columnsOf(
      writer,
      `select terminal, max(time)::double from (
        select terminal, last_time as time from ${as}.days where start < ${closedDays}
        union all select terminal, last_time from ${as}.hours where start >= ${closedDays}
        union all select terminal, time from ${as}.readings where time >= ${closed}
        union all select terminal, time from ${as}.fresh) group by terminal`,
    );
    const newest: number[] = [];
    for (const [row, key] of keys.entries()) newest[Number(key)] = Number(times[row]);
    return {
      terminals: await keysOf(`select key, id from ${as}.terminals`),
      metrics: await keysOf(`select key, name from ${as}.metrics`),
      newest,
    };
  }

  /** What the month has of some terminals at some times. */
  async function lookUp({ as }: Month, terminals: number[], times: number[]): Promise<Known> {
    const least = (values: number[]) => values.reduce((a, b) => Math.min(a, b));
    const most = (values: number[]) => values.reduce((a, b) => Math.max(a, b));
    // The ranges let DuckDB skip most row groups.
    const where = `terminal between ${least(terminals)} and ${most(terminals)} and time between ${least(times)} and ${most(times)}`;
    const columns = await columnsOf(
      writer,
      `with asked as materialized (
          select distinct unnest(from_json($1, '["INTEGER"]')) as terminal, unnest(from_json($2, '["BIGINT"]')) as time)
        select terminal, time::double, metric, value from (
          select * from ${as}.readings where ${where} union all select * from ${as}.fresh where ${where}
        ) semi join asked using (terminal, time)`,
      [JSON.stringify(terminals), JSON.stringify(times)],
    );
    const known: Known = new Map();
    const [terminal = [], time = [], metric = [], value = []] = columns;
    for (let row = 0; row < terminal.length; row += 1)
      metricsAt(known, Number(terminal[row]), Number(time[row])).set(Number(metric[row]), Number(value[row]));
    return known;
  }

  /** Only records that are not newer than all others of their terminal are looked up. `records` are in order, all of this month. */
  async function plan(month: Month, names: Names, records: SpoolRecord[]): Promise<Plan> {
    const { newest } = names;
    const plan: Plan = { kept: [], refused: [] };
    const suspects = { terminals: [] as number[], times: [] as number[] };
    for (const { terminalId, time, values } of records) {
      const terminal = keyOf(names.terminals, terminalId);
      plan.kept.push({ terminal, time, values });
      if (time > (newest[terminal] ?? Number.NEGATIVE_INFINITY)) {
        newest[terminal] = time;
        if (time > month.newest) month.newest = time;
      } else {
        suspects.terminals.push(terminal);
        suspects.times.push(time);
      }
    }
    if (suspects.times.length === 0) return plan;
    const known = await lookUp(month, suspects.terminals, suspects.times);
    const suspected = new Set(suspects.terminals);
    plan.kept = plan.kept.filter(({ terminal }) => !suspected.has(terminal));
    for (const record of records) {
      const terminal = keyOf(names.terminals, record.terminalId);
      if (suspected.has(terminal)) sift(record, terminal, known, names, plan);
    }
    return plan;
  }

  /** Appends what a plan keeps to the month's fresh rows, within a transaction; the number of rows. */
  async function append(month: Month, names: Names, { kept }: Plan): Promise<number> {
    const appender = await writer.createAppender('fresh', 'main', month.as);
    const chunks = chunksFor(appender);
    let untilTurn = TURN;
    for (const { terminal, time, values } of kept) {
      untilTurn -= 1;
      if (untilTurn === 0) {
        await setImmediate();
        untilTurn = TURN;
      }
      const at = BigInt(time);
      for (const metric in values) chunks.row(terminal, keyOf(names.metrics, metric), at, values[metric] ?? Number.NaN);
    }
    chunks.flush();
    appender.closeSync();
    await appendNames(month, 'terminals', names.terminals);
    await appendNames(month, 'metrics', names.metrics);
    return chunks.rows();
  }

  /** They count as saved even when the transaction fails: the month is read again then. */
  async function appendNames({ as }: Month, table: string, keys: Keys): Promise<void> {
    const names = keys.unsaved.splice(0);
    if (names.length === 0) return;
    const appender = await writer.createAppender(table, 'main', as);
    for (const name of names) {
      appender.appendInteger(keyOf(keys, name));
      appender.appendVarchar(name);
      appender.endRow();
    }
    appender.closeSync();
  }

  return { loadNames, plan, append };
}

function chunksFor(appender: DuckDBAppender) {
  const types = [INTEGER, INTEGER, BIGINT, DOUBLE];
  const make = () => {
    const chunk = DuckDBDataChunk.create(types, CHUNK_ROWS);
    const [terminals, metrics, times, values] = types.map((_, column) => chunk.getColumnVector(column));
    if (!(terminals && metrics && times && values)) throw new Error('a chunk has fewer columns than asked for');
    return { chunk, terminals, metrics, times, values };
  };
  let { chunk, terminals, metrics, times, values } = make();
  let [filled, rows] = [0, 0];

  function flush(): void {
    if (filled === 0) return;
    for (const vector of [terminals, metrics, times, values]) vector.flush();
    chunk.rowCount = filled;
    appender.appendDataChunk(chunk);
    ({ chunk, terminals, metrics, times, values } = make());
    filled = 0;
  }

  return {
    row(terminal: number, metric: number, time: bigint, value: number): void {
      terminals.setItem(filled, terminal);
      metrics.setItem(filled, metric);
      times.setItem(filled, time);
      values.setItem(filled, value);
      filled += 1;
      rows += 1;
      if (filled === CHUNK_ROWS) flush();
    },
    flush,
    rows: () => rows,
  };
}
