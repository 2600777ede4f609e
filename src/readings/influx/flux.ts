import { toFluxValue } from '@influxdata/influxdb-client';
import { windowStart } from '../../lib/calendar.ts';
import type { Aggregate } from '../store.ts';
import { clamp } from './limits.ts';
import { fieldOf, tagOf } from './lines.ts';
import { type Asked, ROLLED_UP, type Span } from './server.ts';

/** The store's questions in Flux. Every name of a terminal or metric went through `tagOf` or `fieldOf`, so it has nothing to escape. */

export const at = (time: number): string => new Date(clamp(time)).toISOString();

/** All of a measurement in a span. */
export const fromBucket = (bucket: string, { from, to }: Span, measurement = 'readings'): string =>
  `from(bucket: ${toFluxValue(bucket)}) |> range(start: ${at(from)}, stop: ${at(to)})
  |> filter(fn: (r) => r._measurement == "${measurement}")`;

export const among = (terminalIds: string[]): string =>
  terminalIds.length === 1
    ? `|> filter(fn: (r) => r.terminal == "${terminalIds.map(tagOf)}")`
    : `|> filter(fn: (r) => r.terminal =~ /^(${terminalIds.map(tagOf).join('|')})$/)`;

/** One row for each terminal and window, with a column for each aggregate. */
export function windowsQuery(bucket: string, asked: Asked, everyMs: number): string {
  const field = fieldOf(asked.metric);
  const isRaw = asked.place === 'raw';
  const rows = isRaw
    ? `|> filter(fn: (r) => r._field == "${field}")`
    : `|> filter(fn: (r) => r._field =~ /^(${ROLLED_UP.join('|')})_${field}$/)
  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")`;
  const value = (part: (typeof ROLLED_UP)[number]) => (isRaw ? 'r._value' : `r["${part}_${field}"]`);
  return `${fromBucket(bucket, asked)}
  ${among(asked.terminalIds)}
  ${rows}
  |> window(every: ${everyMs}ms, offset: ${windowStart(0, everyMs)}ms)
  |> reduce(identity: {first: 0.0, last: 0.0, min: 0.0, max: 0.0, sum: 0.0, count: 0.0}, fn: (r, accumulator) => ({
    first: if accumulator.count == 0.0 then ${value('first')} else accumulator.first,
    last: ${value('last')},
    min: if accumulator.count == 0.0 or ${value('min')} < accumulator.min then ${value('min')} else accumulator.min,
    max: if accumulator.count == 0.0 or ${value('max')} > accumulator.max then ${value('max')} else accumulator.max,
    sum: accumulator.sum + ${value('sum')},
    count: accumulator.count + ${isRaw ? '1.0' : value('count')}
  }))`;
}

/** One row for each window, over all terminals. */
export function togetherQuery(bucket: string, asked: Asked, everyMs: number, aggregate: Aggregate): string {
  const value = aggregate === 'mean' ? 'r.sum / r.count' : `r.${aggregate}`;
  return `${windowsQuery(bucket, asked, everyMs)}
  |> map(fn: (r) => ({_start: r._start, v: ${value}}))
  |> group(columns: ["_start"])
  |> reduce(identity: {sum: 0.0, min: 0.0, max: 0.0, terminals: 0.0}, fn: (r, accumulator) => ({
    sum: accumulator.sum + r.v,
    min: if accumulator.terminals == 0.0 or r.v < accumulator.min then r.v else accumulator.min,
    max: if accumulator.terminals == 0.0 or r.v > accumulator.max then r.v else accumulator.max,
    terminals: accumulator.terminals + 1.0
  }))`;
}

/** Writes the aggregates of each terminal, metric and hour to another bucket. */
export function rollUpQuery(from: string, to: string, hours: Span, terminalIds: string[] | undefined): string {
  const parts = ROLLED_UP.map(
    (part) => `data |> ${part}() |> map(fn: (r) => ({_time: r._start, _measurement: "readings", terminal: r.terminal,
  _field: "${part}_" + r._field, _value: float(v: r._value)}))`,
  );
  return `data = ${fromBucket(from, hours)} ${terminalIds ? among(terminalIds) : ''} |> window(every: 1h)
union(tables: [${parts.join(',\n')}])
  |> group(columns: ["_measurement", "_field", "terminal"])
  |> to(bucket: ${toFluxValue(to)}, tagColumns: ["terminal"])
  |> limit(n: 1)`;
}
