import { z } from 'zod';
import { rfc3339 as rfc3339Of } from '../lib/calendar.ts';
import { registerValue } from './encode.ts';
import { isObject } from './json-path.ts';
import { type MeterData, meterValue } from './meter-values.ts';
import type { Metric, Profile } from './profile.ts';
import { createScan } from './scan.ts';

/** Why something is refused; each code has its words in the console. */
export const REJECT_REASONS = [
  'bad_json',
  'bad_payload',
  'wrong_address',
  'bad_time',
  'future_time',
  'before_installation',
  'too_many_readings',
  'unknown_metric',
  'wrong_type',
  'out_of_range',
  'too_large',
  'too_old',
  'conflict',
  'store_refused',
  'too_many_alarms',
] as const;

/** One thing that was refused, and why. */
export interface Reject {
  reason: (typeof REJECT_REASONS)[number];
  metric?: string;
  detail: string;
}

export interface Reading {
  /** Epoch ms. */
  time: number;
  /** States as 1 or 0. */
  values: Record<string, number>;
}

export interface Decoded {
  readings: Reading[];
  rejects: Reject[];
}

/** Raw registers by address; of coils and discrete inputs 0 or 1. */
export interface RegisterFrame {
  holding: Map<number, number>;
  input: Map<number, number>;
  coil?: Map<number, number> | undefined;
  discrete?: Map<number, number> | undefined;
}

/** What the time of a reading is held against. Epoch ms. */
export interface TimeBounds {
  /** When the message came. */
  now: number;
  maxFutureMs: number;
  /** Null for a terminal that does not say. */
  installedAt: number | null;
}

const MOST_READINGS = 1_000;
/** Before this there was no such terminal; epoch seconds taken for milliseconds lie far below it. */
export const EARLIEST = Date.UTC(2015, 0, 1);

/** Values at a time, epoch ms or RFC 3339, before they are checked. */
export interface Item {
  time: number | string;
  values: Record<string, unknown>;
}

/** By hand, since every message passes here. Further fields, such as a sequence of the firmware's own, are passed over. */
export const isItem = (one: unknown): one is Item =>
  isObject(one) && (typeof one['time'] === 'number' || typeof one['time'] === 'string') && isObject(one['values']);

const rfc3339 = z.iso.datetime({ offset: true });

/**
 * A number that JSON cannot write, such as the infinity that 1e400 is read as, is shown as it is. What can be read may be nested too
 * deeply to be written.
 */
function shown(value: unknown): string {
  if (typeof value === 'number') return String(value);
  try {
    return JSON.stringify(value)?.slice(0, 60) ?? 'nothing';
  } catch {
    return 'something deeply nested';
  }
}

/** Checks one value against its metric: type first, then range. */
function check(name: string, metric: Metric, value: unknown): number | Reject {
  if (metric.kind === 'state') {
    if (typeof value === 'boolean') return value ? 1 : 0;
    return { reason: 'wrong_type', metric: name, detail: `${shown(value)} is neither true nor false` };
  }
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    return { reason: 'wrong_type', metric: name, detail: `${shown(value)} is not a finite number` };
  }
  const [min, max] = metric.kind === 'gauge' ? [metric.min, metric.max] : [0, metric.rollsOverAt];
  if (value < min || value > max) {
    return { reason: 'out_of_range', metric: name, detail: `${value} is not within ${min} … ${max}` };
  }
  return value + 0;
}

/** Leaves the good values, as numbers, and takes out the others. In place, since every message passes here. */
function sift(
  profile: Profile,
  values: Record<string, unknown>,
  rejects: Reject[],
): asserts values is Record<string, number> {
  for (const name of Object.keys(values)) {
    const value = values[name];
    const metric = Object.hasOwn(profile.metrics, name) ? profile.metrics[name] : undefined;
    const checked = metric ? check(name, metric, value) : unknownMetric(profile, name);
    if (typeof checked === 'number') {
      if (!Object.is(checked, value)) values[name] = checked;
      continue;
    }
    rejects.push(checked);
    delete values[name];
  }
}

const unknownMetric = ({ profile }: Profile, name: string): Reject => ({
  reason: 'unknown_metric',
  metric: name.slice(0, 60),
  detail: `${profile} has no such metric`,
});

/** Epoch ms from what a terminal wrote, or why it cannot be taken. */
function readTime(time: string | number, { now, maxFutureMs, installedAt }: TimeBounds): number | Reject {
  const ms = typeof time === 'number' ? time : rfc3339.safeParse(time).success ? Date.parse(time) : Number.NaN;
  if (!Number.isSafeInteger(ms))
    return { reason: 'bad_time', detail: `${shown(time)} is neither RFC 3339 nor epoch ms` };
  if (ms < EARLIEST) return { reason: 'bad_time', detail: `${shown(time)} is before 2015` };
  if (ms > now + maxFutureMs) return { reason: 'future_time', detail: `${shown(time)} is in the future` };
  if (installedAt !== null && ms < installedAt) return beforeInstallation(installedAt);
  return ms;
}

const beforeInstallation = (installedAt: number): Reject => ({
  reason: 'before_installation',
  detail: `the terminal was installed at ${rfc3339Of(installedAt)}`,
});

const scans = new WeakMap<Profile, ReturnType<typeof createScan>>();

/** The usual message, by the quick way. */
function scanMessage(profile: Profile, payload: Buffer, bounds: TimeBounds): Reading | undefined {
  const scan = scans.get(profile) ?? createScan(profile);
  scans.set(profile, scan);
  return scan(payload, Math.max(EARLIEST, bounds.installedAt ?? EARLIEST), bounds.now + bounds.maxFutureMs);
}

/**
 * Reads a message of `terminals/{id}/readings`: one reading, or an array of at most 1,000.
 * Good values are kept beside refused ones; a reading without any good value is left out.
 */
export function decodeMessage(profile: Profile, payload: Buffer, bounds: TimeBounds): Decoded {
  const usual = scanMessage(profile, payload, bounds);
  return usual ? { readings: [usual], rejects: [] } : decodeJson(profile, payload, bounds);
}

/** The same for any JSON: what `decodeMessage` says, it says too. */
export function decodeJson(profile: Profile, payload: Buffer, bounds: TimeBounds): Decoded {
  const items = readItems(payload);
  return Array.isArray(items) ? decodeItems(profile, items, bounds) : { readings: [], rejects: [items] };
}

/** The items of a message, of which nothing is checked but their number; or why there are none. */
export function readItems(payload: Buffer): unknown[] | Reject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(payload.toString('utf8'));
  } catch (error) {
    return { reason: 'bad_json', detail: String(error).slice(0, 200) };
  }
  const items = Array.isArray(parsed) ? parsed : [parsed];
  return tooMany(items) ?? items;
}

export const tooMany = ({ length }: unknown[]): Reject | undefined =>
  length > MOST_READINGS ? { reason: 'too_many_readings', detail: `${length} in one message` } : undefined;

/** Checks items that were read. Takes out of their `values` what is refused. */
export function decodeItems(profile: Profile, items: unknown[], bounds: TimeBounds): Decoded {
  const rejects: Reject[] = [];
  const readings: Reading[] = [];
  for (const item of items) {
    if (!isItem(item) || Object.keys(item.values).length === 0) {
      rejects.push({ reason: 'bad_payload', detail: `${shown(item)} is no {"time", "values": {"metric": value, …}}` });
      continue;
    }
    const time = readTime(item.time, bounds);
    if (typeof time !== 'number') {
      rejects.push(time);
      continue;
    }
    const { values } = item;
    sift(profile, values, rejects);
    if (Object.keys(values).length > 0) readings.push({ time, values });
  }
  return { readings, rejects };
}

/** Reads what a poll brought. A metric whose registers are missing or hold an absent mark is left out. */
export function decodeRegisters(
  profile: Profile,
  frame: RegisterFrame,
  time: number,
  installedAt: number | null = null,
): Decoded {
  if (installedAt !== null && time < installedAt) return { readings: [], rejects: [beforeInstallation(installedAt)] };
  const values: Record<string, unknown> = {};
  for (const [name, metric] of Object.entries(profile.metrics)) {
    if (!metric.from) continue;
    const raw = registerValue(metric.from, frame);
    if (raw !== undefined) values[name] = metric.kind === 'state' ? raw !== 0 : raw;
  }
  return sifted(profile, { time, values }, []);
}

function sifted(
  profile: Profile,
  { time, values }: { time: number; values: Record<string, unknown> },
  rejects: Reject[],
) {
  sift(profile, values, rejects);
  return { readings: Object.keys(values).length > 0 ? [{ time, values }] : [], rejects };
}

/** Reads what a meter said. A metric that is missing or that the meter says it has not is left out. */
export function decodeMeter(
  profile: Profile,
  data: MeterData,
  time: number,
  installedAt: number | null = null,
): Decoded {
  if (installedAt !== null && time < installedAt) return { readings: [], rejects: [beforeInstallation(installedAt)] };
  const values: Record<string, unknown> = {};
  const rejects: Reject[] = [];
  for (const [name, metric] of Object.entries(profile.metrics)) {
    const value = metric.meter && meterValue(profile, metric.meter, data);
    if (typeof value === 'object') rejects.push({ reason: 'bad_payload', metric: name, detail: value.wrong });
    else if (value !== undefined) values[name] = metric.kind === 'state' ? value !== 0 : value;
  }
  return sifted(profile, { time, values }, rejects);
}
