import { flux, fluxDateTime, fluxDuration, fluxInteger, HttpError, InfluxDB, Point } from '@influxdata/influxdb-client';
import { z } from 'zod';
import { windowStart } from '../lib/calendar.ts';
import type { Clock } from '../lib/clock.ts';
import { createFirstKept, sendAround } from './first-kept.ts';
import type { SpoolRecord } from './segments.ts';
import type { ReadingStore, Refuse, Series } from './store.ts';

/**
 * Readings in InfluxDB 2.x: measurement `readings`, tag `terminal`, a field for each metric, as in 1.x.
 * Lines go over the client's transport, not its write API, which would buffer, retry and drop by itself.
 */

const REQUEST_TIMEOUT_MS = 30_000;

export interface Influx2Options {
  url: string;
  token: string;
  org: string;
  bucket: string;
}

const orgList = z.object({ orgs: z.array(z.object({ id: z.string() })) });
const bucketList = z.object({ buckets: z.array(z.object({ id: z.string() })) });
const valueRow = z.object({
  _time: z.string(),
  _value: z.number(),
  _field: z.string(),
  terminal: z.string().optional(),
});
const windowRow = z.object({
  _start: z.string(),
  first: z.number(),
  last: z.number(),
  min: z.number(),
  max: z.number(),
  sum: z.number(),
  count: z.number(),
});

/** A 400 or 413 is about the batch; 401, 404, 429 and 5xx are about the server. */
const badness = (error: unknown): string | undefined =>
  error instanceof HttpError && (error.statusCode === 400 || error.statusCode === 413)
    ? error.message.slice(0, 300)
    : undefined;

const at = (ms: number) => fluxDateTime(new Date(ms).toISOString());

function lineOf({ terminalId, time, values }: SpoolRecord): string {
  const point = new Point('readings').tag('terminal', terminalId).timestamp(time);
  for (const [metric, value] of Object.entries(values)) point.floatField(metric, value);
  return point.toLineProtocol() ?? '';
}

/** Makes the bucket when it is not there. Rejects while the server cannot be reached. */
export async function openInflux2Store(
  options: Influx2Options,
  parts: { clock: Clock; refuse: Refuse; spoolId: string },
): Promise<ReadingStore> {
  const { url, token, org, bucket } = options;
  const { clock, refuse, spoolId } = parts;
  const influx = new InfluxDB({ url, token, timeout: REQUEST_TIMEOUT_MS });
  const queries = influx.getQueryApi(org);
  const query = new URLSearchParams({ org, bucket, precision: 'ms' });

  async function makeBucket(): Promise<void> {
    const named = `/api/v2/buckets?${new URLSearchParams({ org, name: bucket })}`;
    const { buckets } = bucketList.parse(await influx.transport.request(named, '', { method: 'GET' }));
    if (buckets.length > 0) return;
    const found = await influx.transport.request(`/api/v2/orgs?${new URLSearchParams({ org })}`, '', { method: 'GET' });
    const orgID = orgList.parse(found).orgs[0]?.id;
    const body = { orgID, name: bucket, retentionRules: [] };
    await influx.transport.request('/api/v2/buckets', body, { method: 'POST' });
  }
  // An unknown bucket is an empty list or a 404, depending on the version.
  await makeBucket();

  const sendLines = (lines: string[]): Promise<unknown> =>
    influx.transport.request(`/api/v2/write?${query}`, lines.join('\n'), {
      method: 'POST',
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    });

  const ofSeries = ({ terminalId, metric, from, to }: Series) => flux`from(bucket: ${bucket})
    |> range(start: ${at(from)}, stop: ${at(to)})
    |> filter(fn: (r) => r._measurement == "readings" and r.terminal == ${terminalId} and r._field == ${metric})`;

  async function newest() {
    const rows = await queries.collectRows(flux`from(bucket: ${bucket}) |> range(start: -62d)
      |> filter(fn: (r) => r._measurement == "readings") |> last()`);
    return z
      .array(valueRow)
      .parse(rows)
      .map((row) => ({
        terminalId: row.terminal ?? '',
        metric: row._field,
        time: Date.parse(row._time),
        value: row._value,
      }));
  }

  async function existing(terminalId: string, from: number, to: number): Promise<Map<number, Set<string>>> {
    const rows =
      await queries.collectRows(flux`from(bucket: ${bucket}) |> range(start: ${at(from)}, stop: ${at(to + 1)})
      |> filter(fn: (r) => r._measurement == "readings" and r.terminal == ${terminalId})`);
    const found = new Map<number, Set<string>>();
    for (const row of z.array(valueRow).parse(rows)) {
      const time = Date.parse(row._time);
      found.set(time, (found.get(time) ?? new Set()).add(row._field));
    }
    return found;
  }

  const positions = await queries.collectRows(flux`from(bucket: ${bucket}) |> range(start: 0)
    |> filter(fn: (r) => r._measurement == "position" and r.spool == ${spoolId}) |> last()`);
  let position = z.array(valueRow).parse(positions)[0]?._value ?? 0;
  const times = (await newest()).map(({ terminalId, time }) => [terminalId, time] as const);
  const firstKept = createFirstKept(new Map(times.sort(([, a], [, b]) => a - b)), existing);

  return {
    position: async () => position,

    async write(records) {
      const sequence = records.at(-1)?.sequence;
      if (sequence === undefined) return;
      const send = async (some: SpoolRecord[]) => void (await sendLines(some.map(lineOf)));
      await sendAround(await firstKept.filter(records), { send, badness, refuse });
      const place = new Point('position').tag('spool', spoolId).floatField('sequence', sequence).timestamp(clock.now());
      await sendLines([place.toLineProtocol() ?? '']);
      firstKept.taken(records);
      position = sequence;
    },

    async points(series, limit) {
      const rows = await queries.collectRows(
        flux`${ofSeries(series)} |> sort(columns: ["_time"]) |> limit(n: ${fluxInteger(limit)})`,
      );
      return z
        .array(valueRow)
        .parse(rows)
        .map((row) => ({ time: Date.parse(row._time), value: row._value }));
    },

    async windows(series, everyMs) {
      const rows = await queries.collectRows(flux`${ofSeries(series)}
        |> window(every: ${fluxDuration(`${everyMs}ms`)}, offset: ${fluxDuration(`${windowStart(0, everyMs)}ms`)})
        |> reduce(identity: {first: 0.0, last: 0.0, min: 0.0, max: 0.0, sum: 0.0, count: 0.0},
          fn: (r, accumulator) => ({
            first: if accumulator.count == 0.0 then r._value else accumulator.first,
            last: r._value,
            min: if accumulator.count == 0.0 or r._value < accumulator.min then r._value else accumulator.min,
            max: if accumulator.count == 0.0 or r._value > accumulator.max then r._value else accumulator.max,
            sum: accumulator.sum + r._value,
            count: accumulator.count + 1.0
          }))`);
      return z
        .array(windowRow)
        .parse(rows)
        .map(({ _start, ...window }) => ({
          ...window,
          // The first window of a range is cut at its start; its time is still that of the whole window.
          time: windowStart(Date.parse(_start), everyMs),
          mean: window.sum / window.count,
        }));
    },

    newest,
    [Symbol.asyncDispose]: async () => undefined,
  };
}
