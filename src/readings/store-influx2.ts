import { z } from 'zod';
import { windowStart } from '../lib/calendar.ts';
import { among, at, fromBucket, rollUpQuery, togetherQuery, windowsQuery } from './influx/flux.ts';
import { createHttp2, type Influx2Options } from './influx/http2.ts';
import { type Inspection, inspectServer } from './influx/inspect.ts';
import { LONG_TIMEOUT_MS } from './influx/limits.ts';
import { fieldOf, nameOf, tagOf } from './influx/lines.ts';
import { BadBatch } from './influx/send-around.ts';
import { type InfluxServer, type KeptDays, PLACES, type Place, type Retentions, shardMs } from './influx/server.ts';
import { openInfluxStore } from './influx/store.ts';
import type { ReadingStore, StoreParts } from './store.ts';

/**
 * Readings in InfluxDB 2.x: measurement `readings`, tag `terminal`, a field for each metric, as in 1.x, in the bucket that is configured;
 * hourly roll-ups in a bucket `…_rollup`, the position and the marks in a bucket `…_state`.
 */

const EVER = { from: 0, to: Number.POSITIVE_INFINITY };

const time = z.string().transform((text) => Date.parse(text));
const valueRow = z
  .object({ _time: time, _value: z.number(), _field: z.string(), terminal: z.string().default('') })
  .transform((row) => ({
    time: row._time,
    value: row._value,
    metric: nameOf(row._field),
    terminalId: nameOf(row.terminal),
  }));
const timeRow = z.object({ _time: time });
const windowRow = z.object({
  _start: time,
  terminal: z.string(),
  first: z.number(),
  last: z.number(),
  min: z.number(),
  max: z.number(),
  sum: z.number(),
  count: z.number(),
});
const groupRow = z.object({ _start: time, sum: z.number(), min: z.number(), max: z.number(), terminals: z.number() });
const dueRow = z.object({ _time: time, terminal: z.string().optional() });

function createServer(http: ReturnType<typeof createHttp2>, bucket: string): InfluxServer {
  const { ask } = http;
  const name = nameIn(bucket);

  return {
    retentions: () => retentionsOf(http, bucket),

    async keep(place, ms) {
      await http.keepBucket(name(place), ms === Number.POSITIVE_INFINITY ? 0 : ms / 1_000, shardMs(ms) / 1_000);
    },

    async held() {
      const rows = await ask(
        timeRow,
        `${fromBucket(bucket, EVER)} |> first() |> keep(columns: ["_time"]) |> group() |> min(column: "_time")`,
      );
      return rows.map((row) => ({ from: row._time, to: EVER.to }));
    },

    write: (place, lines) => http.send(name(place), lines),

    async state(key) {
      const [row] = await ask(
        z.object({ _value: z.number() }),
        `${fromBucket(name('state'), EVER, 'state')} |> filter(fn: (r) => r.name == "${tagOf(key)}") |> last()`,
      );
      return row?._value;
    },

    async points({ terminalIds, metric, ...span }, limit) {
      const rows = await ask(
        valueRow,
        `${fromBucket(bucket, span)} ${among(terminalIds)} |> filter(fn: (r) => r._field == "${fieldOf(metric)}")
  |> sort(columns: ["_time"]) |> limit(n: ${limit})`,
      );
      return rows.map((row) => ({ time: row.time, value: row.value }));
    },

    async rows(terminalId, span, limit) {
      const rows = await ask(
        valueRow,
        `${fromBucket(bucket, span)} ${among([terminalId])} |> group() |> sort(columns: ["_time", "_field"]) |> limit(n: ${limit})`,
      );
      return rows.map(({ terminalId: _, ...row }) => row);
    },

    newest: (since) => ask(valueRow, `${fromBucket(bucket, { ...EVER, from: since })} |> last()`),

    kept: ({ terminalIds, from, to }) =>
      ask(valueRow, `${fromBucket(bucket, { from, to: to + 1 })} ${among(terminalIds)}`),

    first: ({ terminalIds, ...span }) =>
      ask(
        valueRow,
        `${fromBucket(bucket, span)} ${among(terminalIds)} |> first()
  |> group(columns: ["terminal"]) |> sort(columns: ["_time"]) |> limit(n: 1)`,
      ),

    async windows(asked, everyMs) {
      const rows = await ask(windowRow, windowsQuery(name(asked.place), asked, everyMs));
      return rows.map(({ _start, terminal, ...window }) => ({
        ...window,
        // The first window of a range is cut at its start; its time is still that of the whole window.
        time: windowStart(_start, everyMs),
        mean: window.sum / window.count,
        terminalId: nameOf(terminal),
      }));
    },

    async together(asked, everyMs, aggregate) {
      const rows = await ask(groupRow, togetherQuery(name(asked.place), asked, everyMs, aggregate));
      return rows.map(({ _start, ...window }) => ({ ...window, time: windowStart(_start, everyMs) }));
    },

    async due(last, limit) {
      const rows = await ask(
        dueRow,
        `${fromBucket(name('state'), { from: 0, to: last + 1 }, 'due')} |> group() |> sort(columns: ["_time"]) |> limit(n: ${limit})`,
      );
      return rows.map((row) => ({ hour: row._time, terminalId: row.terminal ? nameOf(row.terminal) : undefined }));
    },

    rollUp: async (hours, terminalIds) =>
      void (await ask(z.unknown(), rollUpQuery(bucket, name('rollup'), hours, terminalIds), LONG_TIMEOUT_MS)),

    // Both ends are included.
    rolledUp: ({ from, to }) =>
      http.remove(name('state'), { start: at(from), stop: at(to - 1), predicate: '_measurement="due"' }),

    ping: http.ping,
    close: http.close,
  };
}

const nameIn = (bucket: string) => (place: Place) => (place === 'raw' ? bucket : `${bucket}_${place}`);

async function retentionsOf(http: ReturnType<typeof createHttp2>, bucket: string): Promise<Retentions> {
  const found: Retentions = {};
  for (const place of PLACES) {
    const there = await http.bucket(nameIn(bucket)(place));
    if (there) found[place] = there.keptMs;
  }
  return found;
}

/** Makes the buckets when they are not there. Rejects while the server cannot be reached. */
export async function openInflux2Store(options: Influx2Options, parts: StoreParts): Promise<ReadingStore> {
  const http = createHttp2(options);
  try {
    return await openInfluxStore(createServer(http, options.bucket), parts);
  } catch (error) {
    http.close();
    throw error;
  }
}

/** Compares a server with the configuration; changes nothing. */
export async function inspectInflux2(options: Influx2Options, kept: KeptDays, now: () => number): Promise<Inspection> {
  const { url, bucket } = options;
  const http = createHttp2(options);
  const server = {
    url,
    line: 2 as const,
    home: bucket,
    nameOf: nameIn(bucket),
    retentions: () => retentionsOf(http, bucket),
    // The server looks at the right to write before it complains that there are no lines.
    mayWrite: () =>
      http.send(bucket, []).catch((error) => {
        if (!(error instanceof BadBatch)) throw error;
      }),
    close: http.close,
  };
  return inspectServer(server, kept, now);
}
