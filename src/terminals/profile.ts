import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { unitOf } from '../lib/units.ts';
import { type FileLanguage, type FileReading, orThrow, readYaml } from '../lib/yaml-file.ts';
import { DIALECTS } from './dialects.ts';
import { blockWords, placesOf, registerAddress, registerCount, registerWords } from './encode.ts';
import { expiryContradictions, maxExpiryS, sleeps } from './profile-commands.ts';
import { cjt188, dlt645, METER_PROTOCOLS, meterContradictions, meterSending, meterSource } from './profile-meter.ts';
import { envelope, jsonSource, mqttContradictions, sending } from './profile-mqtt.ts';
import { address, register, textContradictions, texts } from './profile-register.ts';

export type { Register, Texts } from './profile-register.ts';

/** A device type as data: what it measures, where that lies on the wire, what it can be told, and frames that prove it. */

const title = z.strictObject({ zh: z.string().min(1), en: z.string().min(1) });
/** Larger whole numbers are not told apart, so no limit may let them in. */
const number = z.number().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER);

const names = z.record(z.string().regex(/^\d+$/), title);

/** In a file all are `from`; here a register, a place in JSON and one in a meter are told apart by name. */
const from = z.union([register, jsonSource, meterSource]).optional();

const metric = z
  .discriminatedUnion('kind', [
    /** `names` are for codes: what its numbers mean. */
    z.strictObject({ kind: z.literal('gauge'), title, min: number, max: number, names: names.optional(), from }),
    /** A counter only grows, until it begins again at `rollsOverAt`. */
    z.strictObject({
      kind: z.literal('counter'),
      title,
      rollsOverAt: number.positive(),
      /** The most that it can count in an hour. A larger rise is no use but a fault; without it every rise is believed. */
      maxPerHour: number.positive().optional(),
      from,
    }),
    /** True or false on the wire, 1 or 0 in the store. */
    z.strictObject({ kind: z.literal('state'), title, from }),
  ])
  .transform(({ from: source, ...rest }) => {
    const json = source && 'json' in source ? source : undefined;
    const meter = source && ('di' in source || 'field' in source) ? source : undefined;
    return { ...rest, from: source && 'as' in source ? source : undefined, json, meter };
  });
export type Metric = z.infer<typeof metric>;

/** How a command is given and which reading shows that it happened. */
const command = z
  .strictObject({
    title,
    /** The words it takes, and the number that the confirming metric then shows. */
    values: z.record(z.string(), z.number()).optional(),
    /** Or the numbers it takes. */
    range: z.strictObject({ min: z.number(), max: z.number(), step: z.number().positive() }).optional(),
    to: z.union([register, meterSending]).optional(),
    /** How it is put in another MQTT dialect. */
    send: sending.optional(),
    confirm: z.string(),
    /** How far the confirming reading may lie from the value. */
    within: z.number().min(0).default(0),
    /** Seconds from sending until a confirmation is no longer expected. */
    timeoutS: z.int().min(5).max(3600),
    maxExpiryS,
  })
  .refine((c) => (c.values === undefined) !== (c.range === undefined), 'give either values or range')
  .transform(({ to: target, ...rest }) => {
    const meter = target && !('as' in target) ? target : undefined;
    return { ...rest, to: target && 'as' in target ? target : undefined, meter };
  });
export type CommandDefinition = z.infer<typeof command>;

const alarm = z
  .strictObject({
    title,
    metric: z.string(),
    below: z.number().optional(),
    above: z.number().optional(),
    forS: z.int().min(0).default(0),
    severity: z.enum(['warning', 'critical']),
  })
  .refine((a) => (a.below === undefined) !== (a.above === undefined), 'give either below or above');
export type AlarmDefinition = z.infer<typeof alarm>;

const effect = z.enum(['standby', 'cut']);
/** How a command may be used. Its values `off`, `close` and `trip` take heat away: standby keeps frost protection, a cut ends the supply. */
const limit = z.strictObject({
  off: effect.optional(),
  close: effect.optional(),
  trip: effect.optional(),
  /** How long it stays off, and on, at least. Seconds. */
  minOffS: z.int().min(0).max(86_400).optional(),
  minOnS: z.int().min(0).max(86_400).optional(),
  maxStartsPerHour: z.int().min(1).max(60).optional(),
  /** Of a command with the value `arm`: how long a person at the device may then open it. Seconds. */
  openWithinS: z.int().min(30).max(3_600).optional(),
});

const registers = z.record(z.string().regex(/^\d+$/), z.int().min(0).max(65535));
const example = z.strictObject({
  /** One message as it came: the MQTT values, or raw registers by address. */
  frame: z.union([
    z.strictObject({ values: z.record(z.string(), z.union([z.number(), z.boolean()])) }),
    /** In another dialect: `{id}` in the topic and the payload stands for the terminal's name. */
    z.strictObject({ topic: z.string(), payload: z.json() }),
    /** Of a meter: whole frames in hexadecimal, as they came. */
    z.strictObject({ frames: z.array(z.string().regex(/^( ?[0-9A-F]{2})+$/, 'pairs of digits')).min(1) }),
    z.strictObject({
      holding: registers.optional(),
      input: registers.optional(),
      coil: registers.optional(),
      discrete: registers.optional(),
    }),
  ]),
  values: z.record(z.string(), z.number()),
});

const profileSchema = z.strictObject({
  profile: z.string().regex(/^[a-z0-9-]{1,40}$/),
  title,
  kind: z.enum(['gas_boiler', 'gas_meter', 'heat_pump', 'electric_heater', 'electricity_meter', 'heat_meter']),
  /** Where its facts come from, and what could not be checked on a device. */
  source: z.string(),
  protocol: z.enum(['mqtt', 'modbus', ...METER_PROTOCOLS]),
  dialect: z.enum(DIALECTS).default('hearthgate'),
  /** Dialect `json` only. */
  messages: envelope.optional(),
  /** What the device calls its events, and what they are called here. */
  events: z.record(z.string().max(100), z.string().regex(/^[a-z][a-z0-9_]{0,40}$/)).default({}),
  /**
   * Modbus only: how the maker's own documents print addresses; here they are always as on the wire, from 0. `one_based` is one more,
   * `numbered` a table's digit and one more (30001, 40001), `unknown` when it is to be found out on the first device.
   */
  printed: z.enum(['zero_based', 'one_based', 'numbered', 'unknown']).optional(),
  /** Older than this, the last reading no longer shows that the terminal is alive. Seconds. */
  offlineAfterS: z.int().min(10).max(864_000),
  sleeps,
  /** Modbus only. `readable` lists address ranges, both ends included, that one request may span. */
  poll: z
    .strictObject({
      everyS: z.int().min(1).max(3600),
      readable: z.array(z.tuple([address, address])).min(1),
      /** Ranges of which one request may read one value only. */
      singly: z.array(z.tuple([address, address])).optional(),
      maxRegisters: z.int().min(1).max(125).default(125),
      /** Of coils and discrete inputs. */
      maxBits: z.int().min(1).max(2_000).optional(),
      timeoutMs: z.int().min(50).max(10_000).default(1_000),
    })
    .optional(),
  /** Modbus only: read with the first poll and again each day, shown beside the unit and never kept. */
  texts,
  dlt645: dlt645.optional(),
  cjt188: cjt188.optional(),
  metrics: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,40}$/), metric),
  commands: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,40}$/), command).default({}),
  /** By command. A value that takes heat away and is not named here counts as a cut. */
  limits: z.record(z.string(), limit).default({}),
  alarms: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,40}$/), alarm).default({}),
  examples: z.array(example).min(1),
});
export type Profile = z.infer<typeof profileSchema>;
type Poll = NonNullable<Profile['poll']>;

/** Whether one request may span it. */
const isWithin = (ranges: [number, number][], at: number, count: number): boolean =>
  ranges.some(([from, to]) => at >= from && at + count <= to + 1);

/** Why a metric cannot be read from its register. */
function unreadable(name: string, { from }: Metric, { maxRegisters, readable, singly = [] }: Poll): string[] {
  if (!from) return [];
  if (registerCount(from) > maxRegisters) return [`metrics.${name}.from: wider than poll.maxRegisters`];
  const isApart = placesOf([from]).some(
    (place) => !isWithin([...readable, ...singly], registerAddress(place), registerCount(place)),
  );
  return isApart ? [`metrics.${name}.from: not within one range of poll.readable or poll.singly`] : [];
}

/** Why a command cannot be written into its register. */
function unwritable(name: string, { to, values, range }: CommandDefinition, poll: Poll | undefined): string[] {
  if (!to) return [];
  if (to.holding === undefined && to.coil === undefined)
    return [`commands.${name}.to: only holding registers and coils can be written`];
  const numbers = [...Object.values(values ?? {}), ...(range ? [range.min, range.max] : [])];
  const { block } = to;
  if (block && poll && (block.count > poll.maxRegisters || !isWithin(poll.readable, block.holding, block.count)))
    return [`commands.${name}.to.block: cannot be read in one request`];
  const outside = numbers.find((one) => (block ? blockWords(to, one, []) : registerWords(to, one)) === undefined);
  return outside === undefined ? [] : [`commands.${name}: ${outside} does not fit into its register`];
}

/** What the schema alone cannot say: that the parts of a profile fit each other. Each is `path: message`. */
function contradictions(profile: Profile): string[] {
  const found = [...mqttContradictions(profile), ...expiryContradictions(profile), ...meterContradictions(profile)];
  found.push(...textContradictions(profile));
  const modbus = profile.protocol === 'modbus';
  if (modbus !== (profile.poll !== undefined)) found.push('poll: Modbus profiles have it, others do not');
  if (profile.printed && !modbus) found.push('printed: only Modbus profiles have it');
  for (const [name, m] of Object.entries(profile.metrics)) {
    if (unitOf(name) === undefined) found.push(`metrics.${name}: its last word is no known unit`);
    if (profile.poll) found.push(...unreadable(name, m, profile.poll));
    if (modbus !== (m.from !== undefined)) found.push(`metrics.${name}.from: Modbus metrics have it, others do not`);
  }
  for (const [name, c] of Object.entries(profile.commands)) {
    if (!profile.metrics[c.confirm]) found.push(`commands.${name}.confirm: no metric ${c.confirm}`);
    if (modbus !== (c.to !== undefined)) found.push(`commands.${name}.to: Modbus commands have it, others do not`);
    found.push(...unwritable(name, c, profile.poll));
  }
  for (const [name, { off, close, trip, openWithinS }] of Object.entries(profile.limits)) {
    const values = profile.commands[name]?.values;
    const named = Object.entries({ off, close, trip, arm: openWithinS }).filter(([, says]) => says !== undefined);
    if (!profile.commands[name]) found.push(`limits.${name}: no command ${name}`);
    for (const [value] of named) {
      if (values?.[value] === undefined) found.push(`limits.${name}: the command has no value ${value}`);
    }
  }
  for (const [name, a] of Object.entries(profile.alarms)) {
    if (!profile.metrics[a.metric]) found.push(`alarms.${name}.metric: no metric ${a.metric}`);
  }
  return found;
}

/** Stand for parts that are wrong, of which contradictions say nothing. */
const usual = {
  ...{ profile: 'x', title: { zh: 'x', en: 'x' }, kind: 'heat_pump', source: '', offlineAfterS: 60 },
  examples: [{ frame: { values: {} }, values: {} }],
};

/** All that is wrong in a profile's file, or the profile. */
export const checkProfile = (text: string, language?: FileLanguage): FileReading<Profile> =>
  readYaml(text, { schema: profileSchema, contradictions, usual }, language);

/** Reads one profile. Throws with the file, line and column of everything that is wrong. */
export const parseProfile = (text: string, file: string): Profile => orThrow(checkProfile(text), file);

/** Reads all profiles of a folder; the file's name is the profile's name. */
export function loadProfiles(folder: string): Map<string, Profile> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return new Map(
    files.sort().map((name) => {
      const profile = parseProfile(readFileSync(join(folder, name), 'utf8'), join(folder, name));
      if (profile.profile !== basename(name, '.yaml')) throw new Error(`${name}: profile is named ${profile.profile}`);
      return [profile.profile, profile];
    }),
  );
}
