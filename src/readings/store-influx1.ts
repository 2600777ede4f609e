import { escape as quote } from 'influx';
import { windowStart } from '../lib/calendar.ts';
import { createHttp1, type Http1, type Influx1Options, type Row } from './influx/http1.ts';
import { type Inspection, inspectServer } from './influx/inspect.ts';
import { clamp, LONG_TIMEOUT_MS } from './influx/limits.ts';
import { fieldOf, nameOf, tagOf } from './influx/lines.ts';
import {
  type Asked,
  HOUR_MS,
  type InfluxServer,
  type KeptDays,
  PLACES,
  type Place,
  type Retentions,
  ROLLED_UP,
  type Span,
  shardMs,
} from './influx/server.ts';
import { openInfluxStore } from './influx/store.ts';
import { type Aggregate, type ReadingStore, type StoreParts, windowOf } from './store.ts';

/**
 * Readings in InfluxDB 1.x: measurement `readings`, tag `terminal`, a field for each metric, in the retention policy `autogen`;
 * hourly roll-ups with fields such as `max_room_c` in `rollup`, the position and the marks in `state`.
 * Every name in a query went through `tagOf` or `fieldOf`, so it has nothing to escape.
 */

/** Names of fields that are remembered. */
const MOST_NAMES = 1_000;

const POLICY: Record<Place, string> = { raw: 'autogen', rollup: 'rollup', state: 'state' };

/** How each aggregate is made of raw readings, and of roll-ups. */
const EXPRESSIONS: Record<Asked['place'], (field: string) => Record<Aggregate, string>> = {
  raw: (field) => ({
    first: `first("${field}")`,
    last: `last("${field}")`,
    min: `min("${field}")`,
    max: `max("${field}")`,
    mean: `mean("${field}")`,
    sum: `sum("${field}")`,
    count: `count("${field}")`,
  }),
  rollup: (field) => ({
    first: `first("first_${field}")`,
    last: `last("last_${field}")`,
    min: `min("min_${field}")`,
    max: `max("max_${field}")`,
    mean: `sum("sum_${field}") / sum("count_${field}")`,
    sum: `sum("sum_${field}")`,
    count: `sum("count_${field}")`,
  }),
};

const during = ({ from, to }: Span) => `time >= ${clamp(from)}ms and time < ${clamp(to)}ms`;
/** A long list of terminals is five times faster as one expression than as many comparisons. */
const among = (terminalIds: string[]) =>
  terminalIds.length === 1
    ? `terminal = '${terminalIds.map(tagOf)}'`
    : `terminal =~ /^(${terminalIds.map(tagOf).join('|')})$/`;
const where = ({ terminalIds, ...span }: Span & { terminalIds: string[] }) =>
  `${among(terminalIds)} and ${during(span)}`;
const every = (everyMs: number) => `time(${everyMs}ms, ${windowStart(0, everyMs)}ms)`;

const terminalOf = (row: Row): string => nameOf(String(row['terminal']));

/** The metrics of a row that was asked for with `*::field`, by name. */
function metricsOf({ time, terminal: _tag, ...fields }: Row) {
  const points = Object.entries(fields).flatMap(([field, value]) =>
    typeof value === 'number' ? [{ metric: nameOf(field), time: Number(time), value }] : [],
  );
  return points.sort((a, b) => (a.metric < b.metric ? -1 : 1));
}

/** `2160h0m0s` → ms; `0s` is for ever. */
function durationOf(text: string): number {
  const [, hours = 0, minutes = 0, seconds = 0] = /^(?:(\d+)h)?(?:(\d+)m)?(\d+)s$/.exec(text) ?? [];
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000 || Number.POSITIVE_INFINITY;
}

function createServer(http: Http1, database: string): InfluxServer {
  const { ask } = http;
  const metricNames = new Map<string, string>();

  /** Remembered, since there are few and each value has one. */
  function metricOf(field: string): string {
    const metric = metricNames.get(field) ?? nameOf(field);
    if (metricNames.size < MOST_NAMES) metricNames.set(field, metric);
    return metric;
  }
  const name = quote.quoted(database);
  const from = (place: Place, measurement = 'readings') => `${name}."${POLICY[place]}"."${measurement}"`;

  async function fields(): Promise<string[]> {
    const rows = await ask(`show field keys on ${name} from "${POLICY.raw}"."readings"`);
    // Others are not ours, and have no sum.
    const numbers = rows.filter((row) => row['fieldType'] === 'float' || row['fieldType'] === 'integer');
    return [...new Set(numbers.map((row) => String(row['fieldKey'])))];
  }

  return {
    retentions: () => retentionsOf(http, database),

    async keep(place, ms) {
      await ask(`create database ${name}`);
      const duration = ms === Number.POSITIVE_INFINITY ? '0s' : `${ms / HOUR_MS}h`;
      const policy = `retention policy "${POLICY[place]}" on ${name} duration ${duration} replication 1 shard duration ${shardMs(ms) / HOUR_MS}h`;
      const there = (await retentionsOf(http, database))[place] !== undefined;
      await ask(`${there ? 'alter' : 'create'} ${policy}${place === 'raw' ? ' default' : ''}`);
    },

    async held() {
      const shards = (await ask('show shards')).filter(
        (row) => row['database'] === database && row['retention_policy'] === POLICY.raw,
      );
      const at = (column: unknown) => Date.parse(String(column));
      return shards.map((row) => ({ from: at(row['start_time']), to: at(row['end_time']) }));
    },

    write: (place, lines) => http.send(POLICY[place], lines),

    async state(key) {
      const [row] = await ask(
        `select last("value") as value from ${from('state', 'state')} where "name" = '${tagOf(key)}'`,
      );
      return row && Number(row['value']);
    },

    async points(asked, limit) {
      const field = fieldOf(asked.metric);
      const rows = await ask(
        `select "${field}" as value from ${from('raw')} where ${where(asked)} order by time limit ${limit}`,
      );
      return rows.map((row) => ({ time: Number(row['time']), value: Number(row['value']) }));
    },

    async rows(terminalId, span, limit) {
      const query = `select *::field from ${from('raw')} where ${where({ ...span, terminalIds: [terminalId] })}`;
      return (await ask(`${query} order by time limit ${limit}`)).flatMap(metricsOf).slice(0, limit);
    },

    async newest(since) {
      const found = [];
      for (const field of await fields()) {
        const rows = await ask(
          `select last("${field}") as value from ${from('raw')} where time >= ${since}ms group by terminal`,
        );
        for (const row of rows)
          found.push({
            terminalId: terminalOf(row),
            metric: nameOf(field),
            time: Number(row['time']),
            value: Number(row['value']),
          });
      }
      return found;
    },

    async kept({ terminalIds, from: first, to: last }) {
      const span = { terminalIds, from: first, to: last + 1 };
      const rows = await ask(`select *::field from ${from('raw')} where ${where(span)} group by terminal`);
      const found = [];
      for (const row of rows) {
        const [terminalId, time] = [terminalOf(row), Number(row['time'])];
        for (const field in row) {
          const value = row[field];
          if (typeof value === 'number' && field !== 'time')
            found.push({ terminalId, time, metric: metricOf(field), value });
        }
      }
      return found;
    },

    async first(asked) {
      const query = `select *::field from ${from('raw')} where ${where(asked)} group by terminal limit 1`;
      return (await ask(query)).map((row) => ({ terminalId: terminalOf(row), time: Number(row['time']) }));
    },

    async windows(asked, everyMs) {
      const expressions = EXPRESSIONS[asked.place](fieldOf(asked.metric));
      const columns = ROLLED_UP.map((aggregate) => `${expressions[aggregate]} as "${aggregate}"`);
      const rows = await ask(
        `select ${columns} from ${from(asked.place)} where ${where(asked)} group by ${every(everyMs)}, terminal fill(none)`,
      );
      return rows.map((row) => {
        const mean = Number(row['sum']) / Number(row['count']);
        return { ...windowOf(Number(row['time']), { ...row, mean }), terminalId: terminalOf(row) };
      });
    },

    async together(asked, everyMs, aggregate) {
      const value = EXPRESSIONS[asked.place](fieldOf(asked.metric))[aggregate];
      const each = `select ${value} as v from ${from(asked.place)} where ${where(asked)} group by ${every(everyMs)}, terminal fill(none)`;
      // Without a time of its own the outer query would end now.
      const rows = await ask(
        `select sum(v) as sum, min(v) as min, max(v) as max, count(v) as terminals from (${each})
          where ${during({ from: windowStart(asked.from, everyMs), to: asked.to })} group by ${every(everyMs)} fill(none)`,
      );
      return rows.map((row) => ({
        time: Number(row['time']),
        sum: Number(row['sum']),
        min: Number(row['min']),
        max: Number(row['max']),
        terminals: Number(row['terminals']),
      }));
    },

    async due(last, limit) {
      const rows = await ask(
        `select due, terminal from ${from('state', 'due')} where time <= ${last}ms order by time limit ${limit}`,
      );
      return rows.map((row) => ({
        hour: Number(row['time']),
        terminalId: typeof row['terminal'] === 'string' && row['terminal'] ? terminalOf(row) : undefined,
      }));
    },

    async rollUp(hours, terminalIds) {
      const some = terminalIds ? where({ ...hours, terminalIds }) : during(hours);
      // Metric by metric: all at once would take many times the server's memory.
      for (const field of await fields()) {
        const expressions = EXPRESSIONS.raw(field);
        const columns = ROLLED_UP.map((aggregate) => `${expressions[aggregate]} as "${aggregate}_${field}"`);
        await ask(
          `select ${columns} into ${from('rollup')} from ${from('raw')} where ${some} group by time(1h), terminal fill(none)`,
          LONG_TIMEOUT_MS,
        );
      }
    },

    rolledUp: async (hours) => void (await ask(`delete from "due" where ${during(hours)}`)),
    ping: http.ping,
    close: http.close,
  };
}

async function retentionsOf({ ask }: Http1, database: string): Promise<Retentions> {
  const databases = await ask('show databases');
  if (!databases.some((row) => row['name'] === database)) return {};
  const policies = await ask(`show retention policies on ${quote.quoted(database)}`);
  const found = policies.flatMap(({ name, duration }) => {
    const place = PLACES.find((one) => POLICY[one] === name);
    return place ? [[place, durationOf(String(duration))] as const] : [];
  });
  return Object.fromEntries(found);
}

/** Makes the database and its retention policies when they are not there. Rejects while the server cannot be reached. */
export async function openInflux1Store(options: Influx1Options, parts: StoreParts): Promise<ReadingStore> {
  const http = createHttp1(options);
  try {
    return await openInfluxStore(createServer(http, options.database), parts);
  } catch (error) {
    http.close();
    throw error;
  }
}

/** Compares a server with the configuration; changes nothing. */
export async function inspectInflux1(options: Influx1Options, kept: KeptDays, now: () => number): Promise<Inspection> {
  const { url, database } = options;
  const http = createHttp1(options);
  const server = {
    url,
    line: 1 as const,
    home: database,
    nameOf: (place: Place) => `${database}.${POLICY[place]}`,
    retentions: () => retentionsOf(http, database),
    // The server looks at the right to write before it looks at the lines, of which there are none.
    mayWrite: () => http.send(POLICY.raw, []),
    close: http.close,
  };
  return inspectServer(server, kept, now);
}
