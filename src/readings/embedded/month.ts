import { existsSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OFFSET_MS } from '../../lib/calendar.ts';
import { columnsOf, type Duckdb } from './duckdb.ts';

/**
 * The readings of one month (of UTC+8) in a DuckDB file. They come into `fresh` in the order of their arrival. Settling moves them into
 * `readings`, sorted, and brings the roll-ups up to date: `hours` holds all that is in `readings` before `closed`, `days` all before
 * `closedDays`, as rows that are summed up when they are read, so that what comes late is one row more. The two times only grow, so that an
 * answer is exact with any earlier one of them: roll-ups before it, `readings` from it on, and `fresh`.
 */

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
/** An hour is closed when a reading is this much newer than it, a day when its last hours have been for a while. */
const HOUR_LAG = HOUR / 4;
const DAY_LAG = 3 * HOUR;
/** A month that is over is closed to its end when nothing was written to it for this long. */
const QUIET = HOUR;

export interface Month {
  /** `2026_01` */
  name: string;
  /** Epoch ms; `end` is the start of the next month. */
  start: number;
  end: number;
  /** How to call it in SQL. */
  as: string;
  path: string;
  state: 'new' | 'attached' | 'broken';
  closed: number;
  closedDays: number;
  /** False when only roll-ups are left. */
  raw: boolean;
  /** How many rows have not settled. */
  fresh: number;
  /** The newest time that is known to be in it, and when it was written to last. Epoch ms. */
  newest: number;
  writtenAt: number;
  names: Names | undefined;
}

/** What a month that is written to keeps in memory: the keys of terminals and metrics, and the newest time of each terminal by its key. */
export interface Names {
  terminals: Keys;
  metrics: Keys;
  newest: number[];
}

export interface Keys {
  of: Map<string, number>;
  /** Names whose keys are not in the file yet. */
  unsaved: string[];
}

const MONTH_FILE = /^readings-(\d{4})-(\d{2})\.duckdb$/;
export const LEFT_OVER = /^readings-\d{4}-\d{2}\.duckdb\.new(\.wal)?$/;

/** The month that holds a time. */
export function monthAt(folder: string, time: number): Month {
  const local = new Date(time + OFFSET_MS);
  const [year, month] = [local.getUTCFullYear(), local.getUTCMonth()];
  const name = `${year}_${String(month + 1).padStart(2, '0')}`;
  const start = Date.UTC(year, month) - OFFSET_MS;
  return {
    name,
    start,
    end: Date.UTC(year, month + 1) - OFFSET_MS,
    as: `m${name}`,
    path: join(folder, `readings-${name.replace('_', '-')}.duckdb`),
    state: 'new',
    closed: start,
    closedDays: start,
    raw: true,
    fresh: 0,
    newest: Number.NEGATIVE_INFINITY,
    writtenAt: Number.NEGATIVE_INFINITY,
    names: undefined,
  };
}

/** The month of a file, undefined for other files. */
export function monthOfFile(folder: string, file: string): Month | undefined {
  const [, year, month] = MONTH_FILE.exec(file) ?? [];
  return year && month ? monthAt(folder, Date.UTC(Number(year), Number(month) - 1, 2)) : undefined;
}

const ROW = '(terminal integer not null, metric integer not null, time bigint not null, value double not null)';
const ROLLUP = `(terminal integer not null, metric integer not null, start bigint not null, first double not null,
  first_time bigint not null, last double not null, last_time bigint not null, min double not null, max double not null,
  sum double not null, count bigint not null)`;

const schema = (as: string, { start }: Month) => `
  create table ${as}.terminals (key integer not null, id varchar not null);
  create table ${as}.metrics (key integer not null, name varchar not null);
  create table ${as}.fresh ${ROW};
  create table ${as}.readings ${ROW};
  create table ${as}.hours ${ROLLUP};
  create table ${as}.days ${ROLLUP};
  create table ${as}.state (closed bigint not null, closed_days bigint not null, raw boolean not null);
  create table ${as}.positions (write_number bigint not null, spool varchar not null, sequence bigint not null);
  insert into ${as}.state values (${start}, ${start}, true);`;

const FROM_ROWS = `arg_min(value, time), min(time), arg_max(value, time), max(time), min(value), max(value), sum(value), count(*)`;
const FROM_ROLLUPS = `arg_min(first, first_time), min(first_time), arg_max(last, last_time), max(last_time), min(min), max(max), sum(sum),
  sum(count)`;

const floor = (time: number, unit: number, origin: number): number =>
  origin + Math.floor((time - origin) / unit) * unit;

export function createMonthFiles(duckdb: Duckdb) {
  const { writer, alone } = duckdb;

  /** All or nothing; the month is broken when it fails, as DuckDB may refuse the file then until it is attached again. */
  async function change<T>(month: Month, task: () => Promise<T>): Promise<T> {
    try {
      await writer.run('begin');
      const result = await task();
      await writer.run('commit');
      return result;
    } catch (error) {
      await writer.run('rollback').catch(() => undefined);
      month.state = 'broken';
      throw error;
    }
  }

  const attachFile = (as: string, path: string) => writer.run(`attach '${path.replaceAll("'", "''")}' as ${as}`);

  async function make(as: string, month: Month): Promise<void> {
    const [tables = []] = await columnsOf(writer, 'select table_name from duckdb_tables() where database_name = $1', [
      as,
    ]);
    if (tables.includes('state')) return;
    if (tables.length > 0)
      throw new Error(
        `${month.path} has the form of an earlier version: move it away, its readings are not read any more`,
      );
    await change(month, () => writer.run(schema(as, month)));
  }

  async function readState(month: Month): Promise<void> {
    const [closed, closedDays, raw, fresh, newest] = await columnsOf(
      writer,
      `select closed, closed_days, raw, (select count(*) from ${month.as}.fresh), (select max(time) from ${month.as}.fresh)
        from ${month.as}.state`,
    );
    month.closed = Number(closed?.[0]);
    month.closedDays = Number(closedDays?.[0]);
    month.raw = raw?.[0] === true;
    month.fresh = Number(fresh?.[0]);
    month.newest = Number(newest?.[0] ?? Number.NEGATIVE_INFINITY);
    month.names = undefined;
  }

  /** Does nothing when it is attached and sound. */
  async function attach(month: Month): Promise<void> {
    if (month.state === 'attached') return;
    if (month.state === 'broken') await alone(() => writer.run(`detach database if exists ${month.as}`));
    // What fails from here on leaves a file that may be attached.
    month.state = 'broken';
    // A full disk may leave a new file without a byte, which DuckDB takes for no database.
    if (existsSync(month.path) && statSync(month.path).size === 0) await rm(month.path);
    await attachFile(month.as, month.path);
    await make(month.as, month);
    await readState(month);
    month.state = 'attached';
  }

  /** Up to where hours and days can be closed. */
  function closable(month: Month, now: number): { hours: number; days: number } {
    const { start, end, closed, closedDays } = month;
    if (now >= end + DAY_LAG && now - month.writtenAt >= QUIET) return { hours: end, days: end };
    const newest = Math.min(now, month.newest) - HOUR_LAG;
    const hours = Math.max(closed, floor(Math.min(newest, end), HOUR, start));
    return { hours, days: Math.max(closedDays, floor(hours - DAY_LAG, DAY, start)) };
  }

  /** Whether settling would close an hour, or a month that is over has rows that have not settled. */
  const due = (month: Month, now: number): boolean =>
    month.raw && (closable(month, now).hours > month.closed || (month.fresh > 0 && now >= month.end));

  /**
   * Inserts, and looks whether the rows are there. DuckDB 1.5.6 loses a large sorted insert without a word when an empty one into the same
   * table came before it in the transaction, so there is one insert a table, and nothing is taken on trust.
   */
  async function insert(table: string, rows: string): Promise<void> {
    const count = async () => Number((await columnsOf(writer, `select count(*) from ${table}`))[0]?.[0]);
    const before = await count();
    const { rowsChanged } = await writer.run(`insert into ${table} ${rows}`);
    const arrived = (await count()) - before;
    if (arrived !== rowsChanged) throw new Error(`${table}: of ${rowsChanged} rows ${arrived} were stored`);
  }

  async function settle(month: Month, until: { hours: number; days: number }): Promise<void> {
    const { as, start, closed, closedDays } = month;
    const key = (time: string, unit: number) =>
      `terminal, metric, ${start} + (${time} - ${start}) // ${unit} * ${unit} as start`;
    await change(month, async () => {
      await insert(
        `${as}.hours`,
        `select ${key('time', HOUR)}, ${FROM_ROWS} from (
          select * from ${as}.fresh where time < ${until.hours}
          union all select * from ${as}.readings where time >= ${closed} and time < ${until.hours}) group by all order by all`,
      );
      await insert(
        `${as}.days`,
        `select ${key('start', DAY)}, ${FROM_ROLLUPS} from (
          select * from ${as}.hours where start >= ${closedDays} and start < ${until.days}
          union all select terminal, metric, time, value, time, value, time, value, value, value, 1
            from ${as}.fresh where time < ${closedDays}) group by all order by all`,
      );
      await insert(`${as}.readings`, `select * from ${as}.fresh order by terminal, metric, time`);
      await writer.run(`
        create or replace table ${as}.fresh ${ROW};
        create or replace table ${as}.positions as
          select max(write_number) as write_number, spool, arg_max(sequence, write_number) as sequence from ${as}.positions group by spool;
        update ${as}.state set closed = ${until.hours}, closed_days = ${until.days};`);
    });
    Object.assign(month, { closed: until.hours, closedDays: until.days, fresh: 0 });
    await checkpoint(month);
  }

  /** While somebody reads, DuckDB may refuse it; then the write-ahead log grows until the next time. */
  async function checkpoint(month: Month): Promise<void> {
    try {
      await writer.run(`checkpoint ${month.as}`);
    } catch (error) {
      if (String(error).includes('Cannot CHECKPOINT')) return;
      month.state = 'broken';
      throw error;
    }
  }

  /** Closes it and leaves nothing in its write-ahead log. */
  async function detach(month: Month): Promise<void> {
    await writer.run(`detach database if exists ${month.as}`);
    month.state = 'broken';
    if (existsSync(`${month.path}.wal`)) throw new Error(`${month.path} could not be written to its end`);
  }

  /** Rewrites it without raw values, into a file beside it that takes its place when it is whole. */
  async function dropRaw(month: Month): Promise<void> {
    await settle(month, { hours: month.end, days: month.end });
    const [next, path] = [`${month.as}_new`, `${month.path}.new`];
    await writer.run(`detach database if exists ${next}`);
    await rm(path, { force: true });
    await attachFile(next, path);
    try {
      await writer.run(`begin; ${schema(next, month)}`);
      for (const table of ['terminals', 'metrics', 'hours', 'days', 'positions'])
        await insert(`${next}.${table}`, `select * from ${month.as}.${table}`);
      await writer.run(
        `update ${next}.state set closed = ${month.end}, closed_days = ${month.end}, raw = false; commit`,
      );
    } catch (error) {
      await writer.run('rollback').catch(() => undefined);
      await writer.run(`detach database if exists ${next}`);
      throw error;
    }
    await writer.run(`detach ${next}`);
    if (existsSync(`${path}.wal`)) throw new Error(`${path} could not be written to its end`);
    await alone(async () => {
      await detach(month);
      await rename(path, month.path);
    });
    await attach(month);
  }

  async function remove(month: Month): Promise<void> {
    await alone(async () => {
      await detach(month);
      await rm(month.path);
    });
  }

  return { change, attach, closable, due, settle, detach, dropRaw, remove };
}
