import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { windowStart } from '../../lib/calendar.ts';
import {
  type Aggregate,
  type Group,
  type GroupWindow,
  type MetricPoint,
  type Point,
  type Series,
  type TerminalWindow,
  type Window,
  windowOf,
} from '../store.ts';
import { columnsOf } from './duckdb.ts';
import { DAY, HOUR, type Month } from './month.ts';

/**
 * The questions, as SQL over the months that they touch. Numbers (times, keys, limits) stand in the text, so that DuckDB knows which
 * row groups to skip; names go in as parameters.
 */

type Span = [from: number, to: number];
type Table = 'days' | 'hours' | 'readings' | 'fresh';
interface Part {
  month: Month;
  table: Table;
  span: Span;
}

const ceil = (time: number, unit: number, origin: number) => origin + Math.ceil((time - origin) / unit) * unit;
const floor = (time: number, unit: number, origin: number) => origin + Math.floor((time - origin) / unit) * unit;

/** Where values of a range in windows of `everyMs` come from: each settled row from one table, and fresh rows. */
function partsOf(month: Month, from: number, to: number, everyMs: number): Part[] {
  const { start, end, closed, closedDays, raw } = month;
  const [first, last] = [Math.max(from, start), Math.min(to, end)];
  const parts: Part[] = [];
  const add = (table: Table, ...span: Span) => {
    if (span[0] < span[1]) parts.push({ month, table, span });
  };
  const wholeHours = everyMs % HOUR === 0 || !raw;
  const hours: Span = wholeHours
    ? [ceil(first, HOUR, start), Math.min(floor(last, HOUR, start), closed)]
    : [first, first];
  if (hours[0] > hours[1]) hours[1] = hours[0];
  const days: Span =
    everyMs % DAY === 0
      ? [ceil(hours[0], DAY, start), Math.min(floor(hours[1], DAY, start), closedDays)]
      : [hours[1], hours[1]];
  if (days[0] >= days[1]) days[0] = days[1] = hours[1];
  add('hours', hours[0], days[0]);
  add('days', days[0], days[1]);
  add('hours', days[1], hours[1]);
  if (!raw) return parts;
  add('readings', first, Math.min(hours[0], last));
  add('readings', Math.max(hours[1], first), last);
  if (month.fresh > 0) add('fresh', first, last);
  return parts;
}

const isRollup = (table: Table) => table === 'days' || table === 'hours';
const timeOf = (table: Table) => (isRollup(table) ? 'start' : 'time');
const within = ({ table, span: [from, to] }: Part) => `${timeOf(table)} >= ${from} and ${timeOf(table)} < ${to}`;

/** The start of the window that holds a row; roll-ups are not cut into windows shorter than they are. */
function windowOfRow({ table }: Part, from: number, everyMs: number): string {
  if (isRollup(table) && everyMs < HOUR) return 'start';
  const origin = windowStart(from, everyMs);
  return `${origin} + (${timeOf(table)} - ${origin}) // ${everyMs} * ${everyMs}`;
}

/** The columns of roll-ups, and what they are of a single value. */
const FIELDS = {
  first: 'value',
  first_time: 'time',
  last: 'value',
  last_time: 'time',
  min: 'value',
  max: 'value',
  sum: 'value',
  count: '1',
};
type Field = keyof typeof FIELDS;
const ALL_FIELDS = Object.keys(FIELDS) as Field[];
const fieldsOf = ({ table }: Part, fields: Field[]) =>
  fields.map((field) => (isRollup(table) ? field : `${FIELDS[field]} as ${field}`)).join(', ');

/** How each aggregate is made of partial ones, and which columns that takes. */
const AGGREGATE_OF: Record<Aggregate, { sql: string; fields: Field[] }> = {
  first: { sql: 'arg_min(first, first_time)', fields: ['first', 'first_time'] },
  last: { sql: 'arg_max(last, last_time)', fields: ['last', 'last_time'] },
  min: { sql: 'min(min)', fields: ['min'] },
  max: { sql: 'max(max)', fields: ['max'] },
  mean: { sql: 'sum(sum) / sum(count)', fields: ['sum', 'count'] },
  sum: { sql: 'sum(sum)', fields: ['sum'] },
  count: { sql: 'sum(count)::double', fields: ['count'] },
};
const WINDOW_COLUMNS = (['first', 'last', 'min', 'max', 'mean', 'sum', 'count'] as const).map(
  (aggregate) => AGGREGATE_OF[aggregate].sql,
);

const union = (selects: string[]) => selects.join(' union all ');
const number = (value: DuckDBValue | undefined) => Number(value);

/** One row of an answer whose columns are `WINDOW_COLUMNS`. */
function windowAt(row: number, time: DuckDBValue, columns: readonly (readonly DuckDBValue[])[]): Window {
  const [first, last, min, max, mean, sum, count] = columns.map((column) => number(column[row]));
  return windowOf(number(time), { first, last, min, max, mean, sum, count });
}

/** The answers of one question, whose months are `months`. */
export function createQueries(connection: DuckDBConnection, months: Month[]) {
  const ask = (sql: string, values?: DuckDBValue[]) => columnsOf(connection, sql, values);

  /** The keys of what is asked for in each month that knows it. */
  async function keysOf(sql: (month: Month) => string, values: DuckDBValue[]): Promise<Map<Month, [number, number]>> {
    const found = new Map<Month, [number, number]>();
    if (months.length === 0) return found;
    const [at = [], first = [], second = []] = await ask(
      union(months.map((month, index) => `select ${index}, ${sql(month)}`)),
      values,
    );
    for (const [row, index] of at.entries()) {
      const month = months[number(index)];
      if (month) found.set(month, [number(first[row]), number(second[row])]);
    }
    return found;
  }

  const terminalKeys = (terminalId: string) =>
    keysOf(({ as }) => `key, 0 from ${as}.terminals where id = $1`, [terminalId]);
  const seriesKeys = ({ terminalId, metric }: Series) =>
    keysOf(
      ({ as }) => `t.key, q.key from ${as}.terminals t, ${as}.metrics q where t.id = $1 and q.name = $2`,
      [terminalId, metric],
    );
  const metricKeys = (metric: string) => keysOf(({ as }) => `key, 0 from ${as}.metrics where name = $1`, [metric]);

  async function points(series: Series, limit: number): Promise<Point[]> {
    const selects: string[] = [];
    for (const [month, [terminal, metric]] of await seriesKeys(series)) {
      for (const part of partsOf(month, series.from, series.to, 1)) {
        if (isRollup(part.table)) continue;
        selects.push(
          `select time, value from ${month.as}.${part.table} where terminal = ${terminal} and metric = ${metric} and ${within(part)}`,
        );
      }
    }
    if (selects.length === 0) return [];
    const [times = [], values = []] = await ask(
      `select time::double, value from (${union(selects)}) order by time limit ${limit}`,
    );
    return times.map((time, row) => ({ time: number(time), value: number(values[row]) }));
  }

  async function windows(series: Series, everyMs: number): Promise<Window[]> {
    const selects: string[] = [];
    for (const [month, [terminal, metric]] of await seriesKeys(series)) {
      for (const part of partsOf(month, series.from, series.to, everyMs)) {
        selects.push(`select ${windowOfRow(part, month.start, everyMs)} as opening, ${fieldsOf(part, ALL_FIELDS)}
          from ${month.as}.${part.table} where terminal = ${terminal} and metric = ${metric} and ${within(part)}`);
      }
    }
    if (selects.length === 0) return [];
    const [at = [], ...fields] = await ask(
      `select opening::double, ${WINDOW_COLUMNS.join(', ')} from (${union(selects)}) group by opening order by opening`,
    );
    return at.map((time, row) => windowAt(row, time, fields));
  }

  /** The rows of each asked terminal, as `n`, in a query that begins with `with`. */
  async function ofEach({ metric: name, from, to }: Group, everyMs: number, fields: Field[]) {
    const keys: string[] = [];
    const selects: string[] = [];
    for (const [month, [metric]] of await metricKeys(name)) {
      const asked = `asked_${month.name}`;
      keys.push(`${asked} as materialized (select n, key from asked join ${month.as}.terminals using (id))`);
      for (const part of partsOf(month, from, to, everyMs)) {
        selects.push(`select n, ${windowOfRow(part, month.start, everyMs)} as opening, ${fieldsOf(part, fields)}
          from ${month.as}.${part.table} join ${asked} on terminal = key where metric = ${metric} and ${within(part)}`);
      }
    }
    const asked = `with asked as materialized
          (select row_number() over () as n, id from (select distinct unnest(from_json($1, '["VARCHAR"]')) as id)),
        ${keys.join(', ')}`;
    return selects.length === 0 ? undefined : { asked, found: union(selects) };
  }

  async function windowsOfEach(group: Group, everyMs: number): Promise<TerminalWindow[]> {
    const query = await ofEach(group, everyMs, ALL_FIELDS);
    if (!query) return [];
    const [ids = [], at = [], ...fields] = await ask(
      `${query.asked}
      select id, opening::double, ${WINDOW_COLUMNS.map((_, index) => `column${index}`).join(', ')} from
        (select n, opening, ${WINDOW_COLUMNS.map((column, index) => `${column} as column${index}`).join(', ')}
          from (${query.found}) group by n, opening) join asked using (n) order by opening`,
      [JSON.stringify(group.terminalIds)],
    );
    return at.map((time, row) => ({ terminalId: String(ids[row]), ...windowAt(row, time, fields) }));
  }

  async function together(group: Group, everyMs: number, aggregate: Aggregate): Promise<GroupWindow[]> {
    const { sql, fields } = AGGREGATE_OF[aggregate];
    const query = await ofEach(group, everyMs, fields);
    if (!query) return [];
    const [at = [], sum = [], min = [], max = [], terminals = []] = await ask(
      `${query.asked}
      select opening::double, sum(value), min(value), max(value), count(*) from
        (select n, opening, ${sql} as value from (${query.found}) group by n, opening) group by opening order by opening`,
      [JSON.stringify(group.terminalIds)],
    );
    return at.map((time, row) => ({
      time: number(time),
      sum: number(sum[row]),
      min: number(min[row]),
      max: number(max[row]),
      terminals: number(terminals[row]),
    }));
  }

  async function rows({ terminalId, from, to }: Omit<Series, 'metric'>, limit: number): Promise<MetricPoint[]> {
    const selects: string[] = [];
    for (const [month, [terminal]] of await terminalKeys(terminalId)) {
      for (const part of partsOf(month, from, to, 1)) {
        if (isRollup(part.table)) continue;
        selects.push(`select time, name, value from ${month.as}.${part.table} join ${month.as}.metrics on metric = key
          where terminal = ${terminal} and ${within(part)}`);
      }
    }
    if (selects.length === 0) return [];
    const [times = [], names = [], values = []] = await ask(
      `select time::double, name, value from (${union(selects)}) order by time, name limit ${limit}`,
    );
    return times.map((time, row) => ({ time: number(time), metric: String(names[row]), value: number(values[row]) }));
  }

  /** Of each terminal and metric in the months. */
  async function newest(): Promise<(MetricPoint & { terminalId: string })[]> {
    if (months.length === 0) return [];
    const ofMonth = (month: Month) => {
      const parts = partsOf(month, month.start, month.end, DAY).map(
        (part) =>
          `select terminal, metric, ${fieldsOf(part, ['last', 'last_time'])} from ${month.as}.${part.table} where ${within(part)}`,
      );
      return `select id, name, time, value from (
          select terminal, metric, max(last_time) as time, arg_max(last, last_time) as value from (${union(parts)}) group by all)
        join ${month.as}.terminals t on t.key = terminal join ${month.as}.metrics q on q.key = metric`;
    };
    const [ids = [], names = [], times = [], values = []] = await ask(
      `select id, name, max(time)::double, arg_max(value, time) from (${union(months.map(ofMonth))}) group by all`,
    );
    return ids.map((id, row) => ({
      terminalId: String(id),
      metric: String(names[row]),
      time: number(times[row]),
      value: number(values[row]),
    }));
  }

  return { points, windows, windowsOfEach, together, rows, newest };
}
