import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBAppender, type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';
import { OFFSET_MS, windowStart } from '../lib/calendar.ts';
import type { SpoolRecord } from './segments.ts';
import { type Point, type ReadingStore, type Series, type Window, windowOf } from './store.ts';

/**
 * Readings in DuckDB, one file a month (of UTC+8), so that old months are removed by deleting their file.
 * The position in the spool is committed with the last rows of a batch. What a crash left half written comes again,
 * and values that are there already are passed over.
 */

const MONTH_FILE = /^readings-(\d{4})-(\d{2})\.duckdb$/;

/** `2026_01` for a time. */
function monthOf(time: number): string {
  const local = new Date(time + OFFSET_MS);
  return `${local.getUTCFullYear()}_${String(local.getUTCMonth() + 1).padStart(2, '0')}`;
}

interface Row {
  terminalId: string;
  metric: string;
  time: number;
  value: number;
}

/** One row a value; of two values for the same terminal, metric and time the first stays. */
function rowsByMonth(records: SpoolRecord[]): Map<string, Row[]> {
  const seen = new Set<string>();
  const months = new Map<string, Row[]>();
  for (const { terminalId, time, values } of records) {
    const month = monthOf(time);
    const rows = months.get(month) ?? [];
    months.set(month, rows);
    for (const [metric, value] of Object.entries(values)) {
      const key = `${terminalId} ${metric} ${time}`;
      if (seen.has(key)) continue;
      seen.add(key);
      rows.push({ terminalId, metric, time, value });
    }
  }
  return months;
}

const WINDOW_COLUMNS = `arg_min(value, time) as first, arg_max(value, time) as last, min(value) as min, max(value) as max,
  avg(value) as mean, sum(value) as sum, count(*) as count`;

/** Opens all months of a folder; the position is that in the spool `spoolId`. Dispose writes what DuckDB holds to the files and closes them. */
export async function openEmbeddedStore(folder: string, spoolId: string): Promise<ReadingStore> {
  await mkdir(folder, { recursive: true });
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '1GB', threads: '2' });
  const writer = await instance.connect();
  const reader = await instance.connect();
  const months = new Set<string>();
  let position = 0;
  await writer.run('create table batch (terminal varchar, metric varchar, time bigint, value double)');

  async function attach(month: string): Promise<void> {
    if (months.has(month)) return;
    const file = join(folder, `readings-${month.replace('_', '-')}.duckdb`);
    // After a failure the file may be attached and unusable.
    await writer.run(`detach database if exists m${month}`);
    await writer.run(`attach '${file.replaceAll("'", "''")}' as m${month}`);
    await writer.run(`create table if not exists m${month}.readings
      (terminal varchar not null, metric varchar not null, time bigint not null, value double not null)`);
    await writer.run(
      `create table if not exists m${month}.position (spool varchar not null, sequence bigint not null)`,
    );
    const [row] = await rowsOf(writer, `select max(sequence) as sequence from m${month}.position where spool = $1`, [
      spoolId,
    ]);
    position = Math.max(position, Number(row?.['sequence'] ?? 0));
    months.add(month);
  }

  for (const name of await readdir(folder)) {
    const [, year, month] = MONTH_FILE.exec(name) ?? [];
    if (year && month) await attach(`${year}_${month}`);
  }

  async function fillBatch(rows: Row[]): Promise<void> {
    const appender = await writer.createAppender('batch');
    for (const row of rows) appendRow(appender, row);
    appender.closeSync();
  }

  /** With `sequence`, the position is committed together with the rows. */
  async function writeMonth(month: string, rows: Row[], sequence: number | undefined): Promise<void> {
    const times = rows.map((row) => row.time);
    const [from, to] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))];
    try {
      await attach(month);
      await writer.run('delete from batch');
      await fillBatch(rows);
      await writer.run('begin');
      // The range of times lets DuckDB skip every row group but the newest.
      await writer.run(`insert into m${month}.readings select * from batch b where not exists
        (select 1 from m${month}.readings r where r.time between ${from} and ${to}
          and r.terminal = b.terminal and r.metric = b.metric and r.time = b.time)`);
      if (sequence !== undefined) {
        await writer.run(`delete from m${month}.position where spool = $1`, [spoolId]);
        await writer.run(`insert into m${month}.position values ($1, $2)`, [spoolId, BigInt(sequence)]);
      }
      await writer.run('commit');
    } catch (error) {
      await writer.run('rollback').catch(() => undefined);
      // After a full disk DuckDB refuses a file until it is attached again.
      months.delete(month);
      throw error;
    }
  }

  /** The months that a range of time touches, as one relation; undefined when there are none. */
  function relation(from: number, to: number): string | undefined {
    const [first, last] = [monthOf(from), monthOf(to)];
    const touched = [...months].filter((month) => month >= first && month <= last).sort();
    if (touched.length === 0) return undefined;
    return `(${touched.map((month) => `select * from m${month}.readings`).join(' union all ')})`;
  }

  const seriesOf = ({ terminalId, metric, from, to }: Series): DuckDBValue[] => [
    terminalId,
    metric,
    BigInt(from),
    BigInt(to),
  ];
  const SERIES = 'terminal = $1 and metric = $2 and time >= $3 and time < $4';

  return {
    position: async () => position,

    async write(records) {
      const sequence = records.at(-1)?.sequence;
      if (sequence === undefined) return;
      const batches = [...rowsByMonth(records)];
      for (const [index, [month, rows]] of batches.entries()) {
        await writeMonth(month, rows, index === batches.length - 1 ? sequence : undefined);
      }
      position = sequence;
    },

    async points(series, limit): Promise<Point[]> {
      const from = relation(series.from, series.to);
      if (!from) return [];
      const rows = await rowsOf(
        reader,
        `select time, value from ${from} where ${SERIES} order by time limit ${limit}`,
        seriesOf(series),
      );
      return rows.map((row) => ({ time: Number(row['time']), value: Number(row['value']) }));
    },

    async windows(series, everyMs): Promise<Window[]> {
      const from = relation(series.from, series.to);
      if (!from) return [];
      const origin = windowStart(0, everyMs);
      const rows = await rowsOf(
        reader,
        `select (time - $5) // $6 * $6 + $5 as start, ${WINDOW_COLUMNS} from ${from} where ${SERIES} group by start order by start`,
        [...seriesOf(series), BigInt(origin), BigInt(everyMs)],
      );
      return rows.map((row) => windowOf(Number(row['start']), row));
    },

    async newest() {
      const newest = [...months].sort().slice(-2);
      if (newest.length === 0) return [];
      const from = newest.map((month) => `select * from m${month}.readings`).join(' union all ');
      const rows = await rowsOf(
        reader,
        `select terminal, metric, max(time) as time, arg_max(value, time) as value from (${from}) group by terminal, metric`,
      );
      return rows.map((row) => ({
        terminalId: String(row['terminal']),
        metric: String(row['metric']),
        time: Number(row['time']),
        value: Number(row['value']),
      }));
    },

    async [Symbol.asyncDispose]() {
      for (const month of months) await writer.run(`detach m${month}`);
      reader.closeSync();
      writer.closeSync();
      instance.closeSync();
    },
  };
}

function appendRow(appender: DuckDBAppender, { terminalId, metric, time, value }: Row): void {
  appender.appendVarchar(terminalId);
  appender.appendVarchar(metric);
  appender.appendBigInt(BigInt(time));
  appender.appendDouble(value);
  appender.endRow();
}

async function rowsOf(connection: DuckDBConnection, sql: string, values?: DuckDBValue[]) {
  return (await connection.runAndReadAll(sql, values)).getRowObjects();
}
