import { InfluxDB, escape as quote } from 'influx';
import { windowStart } from '../lib/calendar.ts';
import type { Clock } from '../lib/clock.ts';
import { createFirstKept, sendAround } from './first-kept.ts';
import type { SpoolRecord } from './segments.ts';
import { type ReadingStore, type Refuse, type Series, windowOf } from './store.ts';

/**
 * Readings in InfluxDB 1.x: measurement `readings`, tag `terminal`, a field for each metric. The position in the spool is a point of
 * its own, written after the records before it; what comes again after a crash is dropped by time and metric.
 */

const REQUEST_TIMEOUT_MS = 30_000;
const LOOK_BACK_MS = 62 * 86_400_000;

export interface Influx1Options {
  url: string;
  database: string;
  username: string;
  password: string;
}

type Row = Record<string, unknown> & { time: Date };

const valuesWithin = ({ from, to }: { from: number; to: number }) => `time >= ${from}ms and time < ${to}ms`;

/** A 400 is about the batch; 401, 403, 404, 429 and 5xx are about the server. */
const badness = (error: unknown): string | undefined =>
  error instanceof Error && error.message.startsWith('A 400 ') ? error.message.slice(0, 300) : undefined;

/** Makes the database when it is not there. Rejects while the server cannot be reached. */
export async function openInflux1Store(
  options: Influx1Options,
  parts: { clock: Clock; refuse: Refuse; spoolId: string },
): Promise<ReadingStore> {
  const { protocol, hostname, port, pathname } = new URL(options.url);
  const influx = new InfluxDB({
    protocol: protocol === 'https:' ? 'https' : 'http',
    host: hostname,
    port: Number(port || 8086),
    path: pathname === '/' ? '' : pathname,
    database: options.database,
    username: options.username,
    password: options.password,
    // The spool is the only buffer, and only it tries again. With one host, the library's own pause would only hide why.
    pool: { maxRetries: 0, requestTimeout: REQUEST_TIMEOUT_MS, backoff: noBackOff },
  });
  const { clock, refuse, spoolId } = parts;
  await influx.createDatabase(options.database);

  const rowsOf = (query: string, placeholders: Record<string, string> = {}) =>
    influx.query<Row>(query, { precision: 'ms', placeholders });

  async function newest() {
    const fields = await influx.query<{ fieldKey: string }>('show field keys from readings');
    const queries = fields.map(async ({ fieldKey: metric }) => {
      const since = `time > ${clock.now() - LOOK_BACK_MS}ms`;
      const rows = await rowsOf(
        `select last(${quote.quoted(metric)}) as value from readings where ${since} group by terminal`,
      );
      return rows.map((row) => ({
        terminalId: String(row['terminal']),
        metric,
        time: row.time.getTime(),
        value: Number(row['value']),
      }));
    });
    return (await Promise.all(queries)).flat();
  }

  async function existing(terminalId: string, from: number, to: number): Promise<Map<number, Set<string>>> {
    const query = `select * from readings where terminal = $terminal and ${valuesWithin({ from, to: to + 1 })}`;
    const found = new Map<number, Set<string>>();
    for (const { time, terminal: _tag, ...values } of await rowsOf(query, { terminal: terminalId })) {
      const there = Object.entries(values).filter(([, value]) => value !== null);
      found.set(time.getTime(), new Set(there.map(([metric]) => metric)));
    }
    return found;
  }

  const [last] = await rowsOf('select last(sequence) as sequence from position where spool = $spool', {
    spool: spoolId,
  });
  let position = Number(last?.['sequence'] ?? 0);
  const times = (await newest()).map(({ terminalId, time }) => [terminalId, time] as const);
  const firstKept = createFirstKept(new Map(times.sort(([, a], [, b]) => a - b)), existing);

  const send = (records: SpoolRecord[]): Promise<void> =>
    influx.writePoints(
      records.map(({ terminalId, time, values }) => ({
        measurement: 'readings',
        tags: { terminal: terminalId },
        fields: values,
        timestamp: time,
      })),
      { precision: 'ms' },
    );

  const where = (series: Series) => `terminal = $terminal and ${valuesWithin(series)}`;

  return {
    position: async () => position,

    async write(records) {
      const sequence = records.at(-1)?.sequence;
      if (sequence === undefined) return;
      await sendAround(await firstKept.filter(records), { send, badness, refuse });
      await influx.writePoints(
        [{ measurement: 'position', tags: { spool: spoolId }, fields: { sequence }, timestamp: clock.now() }],
        {
          precision: 'ms',
        },
      );
      firstKept.taken(records);
      position = sequence;
    },

    async points(series, limit) {
      const query = `select ${quote.quoted(series.metric)} as value from readings where ${where(series)} order by time limit ${limit}`;
      const rows = await rowsOf(query, { terminal: series.terminalId });
      return rows.map((row) => ({ time: row.time.getTime(), value: Number(row['value']) }));
    },

    async windows(series, everyMs) {
      const field = quote.quoted(series.metric);
      const aggregates = ['first', 'last', 'min', 'max', 'mean', 'sum', 'count'].map(
        (name) => `${name}(${field}) as ${name}`,
      );
      const every = `time(${everyMs}ms, ${windowStart(0, everyMs)}ms)`;
      const query = `select ${aggregates} from readings where ${where(series)} group by ${every} fill(none)`;
      const rows = await rowsOf(query, { terminal: series.terminalId });
      return rows.map((row) => windowOf(row.time.getTime(), row));
    },

    newest,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const noBackOff = { getDelay: () => 0, next: () => noBackOff, reset: () => noBackOff };
