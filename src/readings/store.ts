import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { SpoolRecord } from './segments.ts';

/** Where readings stay: the same few questions, whatever answers them. */

export interface Point {
  /** Epoch ms. */
  time: number;
  value: number;
}

/** What one window of time holds; windows without readings are left out. */
export interface Window {
  /** Its start, epoch ms. */
  time: number;
  first: number;
  last: number;
  min: number;
  max: number;
  mean: number;
  sum: number;
  count: number;
}

export interface TerminalWindow extends Window {
  terminalId: string;
}

/** A window from a row whose columns have the names of its fields. */
export const windowOf = (time: number, row: Record<string, unknown>): Window => ({
  time,
  first: Number(row['first']),
  last: Number(row['last']),
  min: Number(row['min']),
  max: Number(row['max']),
  mean: Number(row['mean']),
  sum: Number(row['sum']),
  count: Number(row['count']),
});

export interface Series {
  terminalId: string;
  metric: string;
  /** Epoch ms, included. */
  from: number;
  /** Epoch ms, not included. */
  to: number;
}

/** Several terminals over one range of time. */
export interface Group extends Omit<Series, 'terminalId'> {
  terminalIds: string[];
}

/** What a window of several terminals holds, over the one value that each of them has in it. */
export interface GroupWindow {
  /** Its start, epoch ms. */
  time: number;
  sum: number;
  min: number;
  max: number;
  /** How many of the terminals have readings in it. */
  terminals: number;
}

export const AGGREGATES = ['mean', 'min', 'max', 'first', 'last', 'sum', 'count'] as const;
export type Aggregate = (typeof AGGREGATES)[number];

export interface MetricPoint extends Point {
  metric: string;
}

/**
 * What a store does not keep of a record: `conflict` is another value for a metric and time that it has, `too_old` lies before its
 * retention, `store_refused` is what the server calls bad. `values` are those that are not kept.
 */
export interface Refusal {
  terminalId: string;
  time: number;
  values: Record<string, number>;
  reason: 'conflict' | 'too_old' | 'store_refused';
  detail: string;
}

/** Takes what a store refuses; it is on disk when this resolves. */
type Refuse = (refusals: Refusal[]) => Promise<void>;

/** What every store is opened with. */
export interface StoreParts {
  clock: Clock;
  log: Logger;
  refuse: Refuse;
  /** The spool in which the store keeps its position. */
  spoolId: string;
  /** How long raw values and hourly roll-ups are kept. Days, 0 for ever; roll-ups are kept at least as long as raw values. */
  keepRawDays: number;
  keepRollupDays: number;
}

export interface ReadingStore extends AsyncDisposable {
  /** The last sequence of the spool that the store has, 0 at first. */
  position(): Promise<number>;
  /**
   * Stores records and the new position together, so that after a crash the same records can come again and are stored once.
   * The same value again of a terminal, metric and time is passed over; another value is refused as `conflict`, and the first stays.
   */
  write(records: SpoolRecord[]): Promise<void>;
  /**
   * Stores records from further on in the spool before their turn. They come again with `write`, which passes over what is there: so the
   * position does not move, and what is not kept is told of then.
   */
  writeAhead(records: SpoolRecord[]): Promise<void>;
  points(series: Series, limit: number): Promise<Point[]>;
  /** Windows begin at whole multiples of `everyMs` in UTC+8. Where raw values are gone, roll-ups answer, in windows of an hour or more. */
  windows(series: Series, everyMs: number): Promise<Window[]>;
  /** The same of several terminals, in the order of time. */
  windowsOfEach(group: Group, everyMs: number): Promise<TerminalWindow[]>;
  /** Each terminal's `aggregate` in a window, summed up over the terminals. */
  together(group: Group, everyMs: number, aggregate: Aggregate): Promise<GroupWindow[]>;
  /** All metrics of a terminal, by time and then metric, at most `limit`. */
  rows(range: Omit<Series, 'metric'>, limit: number): Promise<MetricPoint[]>;
  /** The newest value of each terminal's metrics, as far back as the last two months. */
  newest(): Promise<(MetricPoint & { terminalId: string })[]>;
  /** Work of every few minutes: brings roll-ups up to date and removes what is older than its retention. */
  tend(): Promise<void>;
  /** Rejects with the reason when the store does not answer. */
  ping(): Promise<void>;
}
