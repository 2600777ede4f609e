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

/** A store that takes all but some records tells here which, and why. */
export type Refuse = (record: SpoolRecord, reason: string) => Promise<void>;

export interface ReadingStore extends AsyncDisposable {
  /** The last sequence of the spool that the store has, 0 at first. */
  position(): Promise<number>;
  /**
   * Stores records and the new position together, so that after a crash the same records can come again and are stored once.
   * A second value of the same terminal, metric and time is dropped: the first stays.
   */
  write(records: SpoolRecord[]): Promise<void>;
  points(series: Series, limit: number): Promise<Point[]>;
  windows(series: Series, everyMs: number): Promise<Window[]>;
  /** The newest value of each terminal's metrics, as far back as the last two months. */
  newest(): Promise<{ terminalId: string; metric: string; time: number; value: number }[]>;
}
