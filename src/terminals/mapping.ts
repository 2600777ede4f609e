import { type Decoded, decodeItems, decodeMessage, isItem, readItems, type TimeBounds, tooMany } from './decode.ts';
import { commandNumber } from './encode.ts';
import { isObject, type JsonPath, valueAt } from './json-path.ts';
import type { CommandDefinition, Metric, Profile } from './profile.ts';
import { type JsonSource, NAMES_VALUES } from './profile-mqtt.ts';

/**
 * Between what a device of another dialect says and Hearthgate's own readings. Its dialect has unwrapped the message already: what comes
 * here is `{time, values}` with the device's own names in `values`, which is also how such a message is kept in quarantine.
 */

/** Refused names of one message: each is a row in quarantine, and a message has room for many. */
const MOST_UNKNOWN = 50;

const pathOf = (name: string, metric: Metric): JsonPath => metric.json?.json ?? [name];

function numberOf(source: JsonSource, raw: unknown): unknown {
  const { words, scale, offset } = source;
  const value = words && typeof raw === 'string' && Object.hasOwn(words, raw) ? words[raw] : raw;
  if (typeof value !== 'number' || (scale === 1 && offset === 0)) return value;
  return Number((value * scale + offset).toPrecision(12));
}

/** A truth value may be 1 or 0 in other dialects. */
function mapped(metric: Metric, raw: unknown): unknown {
  const value = metric.json ? numberOf(metric.json, raw) : raw;
  if (metric.kind === 'state' && (value === 0 || value === 1)) return value === 1;
  return value;
}

/** Names of values that no metric takes: looks into an object only where a metric lies within it. */
function unknownIn(
  value: Record<string, unknown>,
  known: ReadonlyMap<string, boolean>,
  prefix: string[] = [],
): string[] {
  const unknown: string[] = [];
  for (const [key, inner] of Object.entries(value)) {
    const path = [...prefix, key];
    const isWhole = known.get(path.join('\n'));
    if (isWhole === undefined) unknown.push(path.join('.'));
    else if (!isWhole && isObject(inner)) unknown.push(...unknownIn(inner, known, path));
  }
  return unknown;
}

const paths = new WeakMap<Profile, ReadonlyMap<string, boolean>>();

function knownPaths(profile: Profile): ReadonlyMap<string, boolean> {
  const known = paths.get(profile) ?? pathsOf(profile);
  paths.set(profile, known);
  return known;
}

/** The paths of a profile's metrics, and, as not whole, all that leads there. */
function pathsOf(profile: Profile): Map<string, boolean> {
  const known = new Map<string, boolean>();
  for (const [name, metric] of Object.entries(profile.metrics)) {
    const path = pathOf(name, metric);
    for (let steps = 1; steps < path.length; steps += 1) {
      const before = path.slice(0, steps).join('\n');
      if (!known.has(before)) known.set(before, false);
    }
    known.set(path.join('\n'), true);
  }
  return known;
}

/**
 * Checks a message of another dialect that is unwrapped, as every reading is checked. `items` stay as they are, for quarantine may need
 * them.
 */
export function decodeUnwrapped(profile: Profile, items: unknown[], bounds: TimeBounds): Decoded {
  const whole = tooMany(items);
  if (whole) return { readings: [], rejects: [whole] };
  const rejects: Decoded['rejects'] = [];
  const namesValues = NAMES_VALUES.includes(profile.dialect);
  const known = namesValues ? knownPaths(profile) : undefined;
  const unknown = new Set<string>();
  const own: unknown[] = [];
  for (const one of items) {
    if (!isItem(one)) {
      rejects.push({ reason: 'bad_payload', detail: 'is no {"time", "values"}' });
      continue;
    }
    const values: Record<string, unknown> = {};
    for (const [name, metric] of Object.entries(profile.metrics)) {
      const raw = valueAt(one.values, pathOf(name, metric));
      const isAbsent = raw === undefined || metric.json?.absent.some((absent) => absent === raw);
      if (!isAbsent) values[name] = mapped(metric, raw);
    }
    if (known) for (const name of unknownIn(one.values, known)) unknown.add(name);
    if (Object.keys(values).length > 0) own.push({ time: one.time, values });
    else if (profile.dialect === 'json')
      rejects.push({ reason: 'bad_payload', detail: 'no path of the profile leads anywhere' });
  }
  for (const name of [...unknown].slice(0, MOST_UNKNOWN)) {
    rejects.push({
      reason: 'unknown_metric',
      metric: name.slice(0, 60),
      detail: `${profile.profile} does not take it`,
    });
  }
  const decoded = decodeItems(profile, own, bounds);
  return { readings: decoded.readings, rejects: [...rejects, ...decoded.rejects] };
}

/** Reads the payload of a reading, in whatever dialect it came. */
export function decodePayload(profile: Profile, payload: Buffer, bounds: TimeBounds): Decoded {
  if (profile.dialect === 'hearthgate') return decodeMessage(profile, payload, bounds);
  const items = readItems(payload);
  return Array.isArray(items) ? decodeUnwrapped(profile, items, bounds) : { readings: [], rejects: [items] };
}

/** Whether any metric lies below this name: of what devices tell about themselves, only that is taken. */
export const takes = (profile: Profile, name: string): boolean =>
  Object.entries(profile.metrics).some(([metric, definition]) => pathOf(metric, definition)[0] === name);

export interface Filling {
  value: unknown;
  id: string;
  request: number;
}

/** A template with its placeholders filled: `"{value}"` alone keeps the value's type. */
export function filled(template: unknown, filling: Filling): unknown {
  if (typeof template === 'string') {
    if (template === '{value}') return filling.value;
    if (template === '{request}') return filling.request;
    return template.replace(/\{(value|id|request)\}/g, (_all, name: keyof Filling) => String(filling[name]));
  }
  if (Array.isArray(template)) return template.map((one) => filled(one, filling));
  if (!isObject(template)) return template;
  return Object.fromEntries(Object.entries(template).map(([key, one]) => [key, filled(one, filling)]));
}

/** What the device calls a command's value. */
export function valueFor(definition: CommandDefinition, value: string | number): unknown {
  const word = definition.send?.words?.[String(value)];
  return word ?? commandNumber(definition, value) ?? value;
}
