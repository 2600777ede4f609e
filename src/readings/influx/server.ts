import { GatewayError } from '../../lib/errors.ts';
import type { Aggregate, GroupWindow, MetricPoint, Point, TerminalWindow } from '../store.ts';
import type { First, Kept } from './first-kept.ts';

/** What the store asks of an InfluxDB server, of either line. */

/** Retention policies of a database in 1.x, buckets in 2.x. `state` has the position and the marks, and never expires. */
export const PLACES = ['raw', 'rollup', 'state'] as const;
export type Place = (typeof PLACES)[number];
/** How long each place keeps its data, ms, `Infinity` for ever; a place that is missing is left out. */
export type Retentions = Partial<Record<Place, number>>;

/** Epoch ms, `to` not included. */
export interface Span {
  from: number;
  to: number;
}

/** The readings of some terminals, as they came or as hourly roll-ups. */
export interface Asked extends Span {
  place: 'raw' | 'rollup';
  terminalIds: string[];
  metric: string;
}

/** An hour whose roll-up is not up to date, for one terminal or for all. */
export interface Due {
  /** Its start, epoch ms. */
  hour: number;
  terminalId: string | undefined;
}

/**
 * Rejects with `BadBatch` for data that the server will never take, with `PlaceGone` when somebody removed a place,
 * and with a `GatewayError` while it is unwell.
 */
export interface InfluxServer {
  retentions(): Promise<Retentions>;
  /** Makes the place, or changes how long it keeps its data. */
  keep(place: Place, ms: number): Promise<void>;
  /** Where raw readings may lie. */
  held(): Promise<Span[]>;
  write(place: Place, lines: string[]): Promise<void>;
  /** What `stateLine` wrote. */
  state(name: string): Promise<number | undefined>;
  points(asked: Asked, limit: number): Promise<Point[]>;
  rows(terminalId: string, span: Span, limit: number): Promise<MetricPoint[]>;
  newest(since: number): Promise<(MetricPoint & { terminalId: string })[]>;
  kept: Kept;
  first: First;
  /** By terminal and time. */
  windows(asked: Asked, everyMs: number): Promise<TerminalWindow[]>;
  together(asked: Asked, everyMs: number, aggregate: Aggregate): Promise<GroupWindow[]>;
  /** Hours up to and including `last`, the oldest first. */
  due(last: number, limit: number): Promise<Due[]>;
  /** Computes the roll-ups of whole hours anew, of some terminals or of all. */
  rollUp(hours: Span, terminalIds: string[] | undefined): Promise<void>;
  /** Removes all marks of these hours. */
  rolledUp(hours: Span): Promise<void>;
  ping(): Promise<void>;
  /** Ends what is under way. */
  close(): void;
}

export const serverTrouble = (what: string): GatewayError => new GatewayError('degraded', `InfluxDB: ${what}`);

/** The database, bucket or retention policy is not there, though it was made at the start. */
export class PlaceGone extends GatewayError {
  constructor(what: string) {
    super('degraded', `InfluxDB: ${what}`);
  }
}

export interface KeptDays {
  keepRawDays: number;
  keepRollupDays: number;
}

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** A shard has a day, or a week where data is kept long, as the server does by itself. */
export const shardMs = (keptMs: number): number => (keptMs < 180 * DAY_MS ? DAY_MS : 7 * DAY_MS);
/** What a roll-up has of each metric. */
export const ROLLED_UP = ['first', 'last', 'min', 'max', 'sum', 'count'] as const;

const msOf = (days: number): number => (days === 0 ? Number.POSITIVE_INFINITY : days * DAY_MS);
/** Roll-ups stay at least as long as what they are made of. */
export const wanted = ({ keepRawDays, keepRollupDays }: KeptDays) => ({
  raw: msOf(keepRawDays),
  rollup: Math.max(msOf(keepRawDays), msOf(keepRollupDays)),
});
