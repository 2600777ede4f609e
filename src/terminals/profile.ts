import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { unitOf } from '../lib/units.ts';
import { DIALECTS } from './dialects.ts';
import { registerCount, registerWords } from './encode.ts';
import { expiryContradictions, maxExpiryS, sleeps } from './profile-commands.ts';
import { envelope, jsonSource, mqttContradictions, sending } from './profile-mqtt.ts';

/** A device type as data: what it measures, where that lies on the wire, what it can be told, and frames that prove it. */

const title = z.strictObject({ zh: z.string().min(1), en: z.string().min(1) });
/** Larger whole numbers are not told apart, so no limit may let them in. */
const number = z.number().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER);
const address = z.int().min(0).max(65535);

const bit = z.int().min(0).max(15);
/** Names one of Modbus's four tables. Addresses are zero-based, as on the wire. */
const place = {
  holding: address.optional(),
  input: address.optional(),
  coil: address.optional(),
  discrete: address.optional(),
};
type Place = { [Table in keyof typeof place]?: number | undefined };
const isOnePlace = ({ holding, input, coil, discrete }: Place): boolean =>
  [holding, input, coil, discrete].filter((at) => at !== undefined).length === 1;
const isWord = (r: Place & { as: string }): boolean =>
  r.coil === undefined && r.discrete === undefined && (r.as === 'uint16' || r.as === 'int16');
const ONE_PLACE = 'name one of holding, input, coil and discrete';

/** Where a value lies on Modbus, and how. */
const register = z
  .strictObject({
    ...place,
    as: z
      .enum(['uint16', 'int16', 'uint32', 'int32', 'uint64', 'int64', 'float32', 'float64', 'bcd16', 'bcd32'])
      .default('uint16'),
    /** Bytes a to d from the high one down, as they come on the wire, `abcd` unless it says otherwise: `cdab` has the low word first, `badc` bytes swapped. */
    order: z.enum(['abcd', 'cdab', 'badc', 'dcba']).optional(),
    /** The value is the raw number times `scale`, and `offset` more. */
    scale: z.number().positive().default(1),
    offset: z.number().optional(),
    /** Only this bit of a uint16, 0 the lowest. */
    bit: bit.optional(),
    /** Only this half of a word: as uint16 from 0 to 255, as int16 from -128 to 127. */
    byte: z.enum(['high', 'low']).optional(),
    /** Raw numbers that mean “no value”. */
    absent: z.array(z.number()).default([]),
    /** The value counts only while a bit is so. */
    validWhen: z
      .strictObject({ ...place, bit: bit.default(0), is: z.union([z.literal(0), z.literal(1)]).default(1) })
      .refine(isOnePlace, ONE_PLACE)
      .optional(),
    /** For writing: function 10 or 0F also for a single register or coil. */
    writeMany: z.boolean().optional(),
    /** For writing: read back so long after the write, and refused when it is not there. Milliseconds. */
    readBackMs: z.int().min(0).max(10_000).optional(),
  })
  .refine(isOnePlace, ONE_PLACE)
  .refine((r) => r.bit === undefined || (isWord(r) && r.as === 'uint16'), 'a bit lies in a uint16')
  .refine((r) => r.byte === undefined || (isWord(r) && r.bit === undefined), 'a byte lies in a uint16 or int16')
  .refine(
    (r) => isWord(r) || (r.coil === undefined && r.discrete === undefined) || r.as === 'uint16',
    'a coil is one bit',
  );
export type Register = z.infer<typeof register>;

/** In a file both are `from`; here a register and a place in JSON are told apart by name. */
const from = z.union([register, jsonSource]).optional();

const metric = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('gauge'), title, min: number, max: number, from }),
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
    return { ...rest, from: source && !('json' in source) ? source : undefined, json };
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
    to: register.optional(),
    /** How it is put in another MQTT dialect. */
    send: sending.optional(),
    confirm: z.string(),
    /** How far the confirming reading may lie from the value. */
    within: z.number().min(0).default(0),
    /** Seconds from sending until a confirmation is no longer expected. */
    timeoutS: z.int().min(5).max(3600),
    maxExpiryS,
  })
  .refine((c) => (c.values === undefined) !== (c.range === undefined), 'give either values or range');
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

const registers = z.record(z.string().regex(/^\d+$/), z.int().min(0).max(65535));
const example = z.strictObject({
  /** One message as it came: the MQTT values, or raw registers by address. */
  frame: z.union([
    z.strictObject({ values: z.record(z.string(), z.union([z.number(), z.boolean()])) }),
    /** In another dialect: `{id}` in the topic and the payload stands for the terminal's name. */
    z.strictObject({ topic: z.string(), payload: z.json() }),
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
  protocol: z.enum(['mqtt', 'modbus']),
  dialect: z.enum(DIALECTS).default('hearthgate'),
  /** Dialect `json` only. */
  messages: envelope.optional(),
  /** What the device calls its events, and what they are called here. */
  events: z.record(z.string().max(100), z.string().regex(/^[a-z][a-z0-9_]{0,40}$/)).default({}),
  /** Older than this, the last reading no longer shows that the terminal is alive. Seconds. */
  offlineAfterS: z.int().min(10).max(864_000),
  sleeps,
  /** Modbus only. `readable` lists address ranges, both ends included, that one request may span. */
  poll: z
    .strictObject({
      everyS: z.int().min(1).max(3600),
      readable: z.array(z.tuple([address, address])).min(1),
      maxRegisters: z.int().min(1).max(125).default(125),
      /** Of coils and discrete inputs. */
      maxBits: z.int().min(1).max(2_000).optional(),
      timeoutMs: z.int().min(50).max(10_000).default(1_000),
    })
    .optional(),
  metrics: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,40}$/), metric),
  commands: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,40}$/), command).default({}),
  alarms: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,40}$/), alarm).default({}),
  examples: z.array(example).min(1),
});
export type Profile = z.infer<typeof profileSchema>;

/** Why a command cannot be written into its register. */
function unwritable(name: string, { to, values, range }: CommandDefinition): string[] {
  if (!to) return [];
  if (to.holding === undefined && to.coil === undefined)
    return [`commands.${name}.to: only holding registers and coils can be written`];
  const numbers = [...Object.values(values ?? {}), ...(range ? [range.min, range.max] : [])];
  const outside = numbers.find((one) => registerWords(to, one) === undefined);
  return outside === undefined ? [] : [`commands.${name}: ${outside} does not fit into its register`];
}

/** What the schema alone cannot say: that the parts of a profile fit each other. */
function contradictions(profile: Profile): string[] {
  const found = [...mqttContradictions(profile), ...expiryContradictions(profile)];
  const modbus = profile.protocol === 'modbus';
  if (modbus !== (profile.poll !== undefined)) found.push('poll: Modbus profiles have it, others do not');
  for (const [name, m] of Object.entries(profile.metrics)) {
    if (unitOf(name) === undefined) found.push(`metrics.${name}: its last word is no known unit`);
    if (m.from && profile.poll && registerCount(m.from) > profile.poll.maxRegisters)
      found.push(`metrics.${name}.from: wider than poll.maxRegisters`);
    if (modbus !== (m.from !== undefined)) found.push(`metrics.${name}.from: Modbus metrics have it, others do not`);
  }
  for (const [name, c] of Object.entries(profile.commands)) {
    if (!profile.metrics[c.confirm]) found.push(`commands.${name}.confirm: no metric ${c.confirm}`);
    if (modbus !== (c.to !== undefined)) found.push(`commands.${name}.to: Modbus commands have it, others do not`);
    found.push(...unwritable(name, c));
  }
  for (const [name, a] of Object.entries(profile.alarms)) {
    if (!profile.metrics[a.metric]) found.push(`alarms.${name}.metric: no metric ${a.metric}`);
  }
  return found;
}

/** Reads one profile. Throws with the file, line and column of the first thing that is wrong. */
export function parseProfile(text: string, file: string): Profile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const fail = (offset: number, message: string): never => {
    const { line, col } = lines.linePos(offset);
    throw new Error(`${file}:${line}:${col} ${message}`);
  };
  const syntax = document.errors[0];
  if (syntax) fail(syntax.pos[0], syntax.message);
  const result = profileSchema.safeParse(document.toJS());
  if (!result.success) {
    const issue = result.error.issues[0];
    const path = issue?.path ?? [];
    const node = document.getIn(path, true) ?? document.getIn(path.slice(0, -1), true);
    const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
    fail(Array.isArray(range) ? Number(range[0]) : 0, `${path.join('.')}: ${issue?.message}`);
  }
  const profile = profileSchema.parse(document.toJS());
  const contradiction = contradictions(profile)[0];
  if (contradiction) fail(0, contradiction);
  return profile;
}

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
