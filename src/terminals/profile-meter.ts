import { z } from 'zod';

/** The parts of a profile that tell how a meter of DL/T 645-2007 or CJ/T 188 is read and switched. Data, no code. */

export const METER_PROTOCOLS = ['dlt645', 'cjt188'] as const;
export type MeterProtocol = (typeof METER_PROTOCOLS)[number];

/** A data identifier of DL/T 645-2007 as the standard prints it, DI3 first. */
const di = z.string().regex(/^[0-9A-F]{8}$/, 'eight digits, 0 to 9 and A to F');
const byte = z.string().regex(/^[0-9A-F]{2}$/, 'two digits, 0 to 9 and A to F');
/** ST of CJ/T 188 as its two bytes come on the wire. */
const status = z.string().regex(/^[0-9A-F]{4}$/, 'four digits, 0 to 9 and A to F');

/** Where a value lies in a DL/T 645 meter: decimal digits as the standard writes them (`XXXXXX.XX`), or one bit of a status word. */
const item = z
  .strictObject({
    di,
    format: z
      .string()
      .regex(/^X+(\.X+)?$/, 'a format such as XXXXXX.XX')
      .refine(
        (text) => text.replace('.', '').length % 2 === 0 && text.length <= 13,
        'two digits are a byte, six at most',
      )
      .optional(),
    /** The highest bit is a minus. */
    signed: z.boolean().default(false),
    /** Counted from the lowest of the lowest byte. */
    bit: z.int().min(0).max(31).optional(),
    /** What the bit is while the state is true. */
    is: z.union([z.literal(0), z.literal(1)]).default(1),
  })
  .refine((one) => (one.format === undefined) !== (one.bit === undefined), 'give either format or bit');
export type MeterItem = z.infer<typeof item>;

const VOLUME_FIELDS = ['total', 'settled'] as const;
const HEAT_FIELDS = ['settled', 'heat', 'power', 'flow', 'volume', 'supply', 'return', 'hours'] as const;
const STATUS_FIELDS = ['valve', 'valve_fault', 'battery_low'] as const;

/** A part of the current reading 901F of CJ/T 188. `unit` is the unit's byte for a meter that says 00 there. */
const field = z.strictObject({
  field: z.enum([...new Set([...VOLUME_FIELDS, ...HEAT_FIELDS, ...STATUS_FIELDS])]),
  unit: byte.optional(),
});
export type MeterField = z.infer<typeof field>;

export const meterSource = z.union([item, field]);
export type MeterSource = z.infer<typeof meterSource>;

/**
 * What a command does, by its values. Nothing else can be asked of a meter: DL/T 645 1CH with trip (1A), allow closing (1B) and close (1C),
 * CJ/T 188 A017 with open (55) and close (99).
 */
export const meterSending = z.union([
  z.strictObject({ control: z.record(z.string(), z.enum(['trip', 'allow', 'close'])) }),
  z.strictObject({ valve: z.record(z.string(), z.enum(['open', 'close'])) }),
]);
type MeterSending = z.infer<typeof meterSending>;

const common = {
  everyS: z.int().min(5).max(86_400),
  timeoutMs: z.int().min(100).max(10_000).default(2_000),
};

export const dlt645 = z.strictObject({
  ...common,
  /** Blocks that the meter gives in one answer, each with its members in their order. */
  blocks: z.record(di, z.array(di).min(2).max(64)).default({}),
});

/** Which byte of a data identifier comes first on the wire: makers differ, and one maker's reading and valve too. */
const order = z.enum(['1F90', '901F']);
const valveOrder = z.enum(['17A0', 'A017']);

export const cjt188 = z.strictObject({
  ...common,
  /** T with which it is asked; it may answer with another. */
  type: byte,
  /** Of 901F: what water and gas meters give, or what heat meters give. */
  layout: z.enum(['volume', 'heat']),
  /** As 901F and A017 stand on the wire. */
  readOrder: order.default('1F90'),
  valveOrder: valveOrder.default('A017'),
  /** Whether a valve that refuses (C4) is told once more in the other order. Never after silence. */
  valveOtherOrder: z.boolean().default(false),
  /** The standard has four decimals, some makers two. */
  flowFormat: z.enum(['XXXX.XXXX', 'XXXXXX.XX']).default('XXXX.XXXX'),
  /** What ST says; by default as the standard has it. */
  status: z
    .strictObject({
      valve: z.strictObject({ mask: status, open: status, closed: status, fault: status }),
      batteryLow: z.strictObject({ mask: status, is: status }),
    })
    .default({
      valve: { mask: '0300', open: '0000', closed: '0100', fault: '0300' },
      batteryLow: { mask: '0400', is: '0400' },
    }),
});

interface Parts {
  protocol: string;
  dialect: string;
  dlt645?: z.infer<typeof dlt645> | undefined;
  cjt188?: z.infer<typeof cjt188> | undefined;
  metrics: Record<string, { kind: string; meter?: MeterSource | undefined }>;
  commands: Record<
    string,
    { values?: Record<string, number> | undefined; meter?: MeterSending | undefined; confirm: string }
  >;
}

export const isMeter = (protocol: string): protocol is MeterProtocol =>
  METER_PROTOCOLS.some((meter) => meter === protocol);

/** Decimal digits of a format, and those after its point. */
export function digitsOf(format: string): { bytes: number; decimals: number } {
  const [whole = '', fraction = ''] = format.split('.');
  return { bytes: (whole.length + fraction.length) / 2, decimals: fraction.length };
}

function blockTrouble(name: string, members: string[], metrics: Parts['metrics']): string | undefined {
  const formats = new Set(
    Object.values(metrics).flatMap(({ meter }) =>
      meter && 'di' in meter && members.includes(meter.di) ? [meter.format ?? 'bits'] : [],
    ),
  );
  if (formats.size > 1) return `dlt645.blocks.${name}: its members have formats of their own`;
  return formats.has('bits') ? `dlt645.blocks.${name}: a block has numbers` : undefined;
}

function fieldTrouble(name: string, { field: part }: MeterField, layout: 'volume' | 'heat'): string | undefined {
  const known: readonly string[] = [...(layout === 'heat' ? HEAT_FIELDS : VOLUME_FIELDS), ...STATUS_FIELDS];
  return known.includes(part) ? undefined : `metrics.${name}.from: layout ${layout} has no ${part}`;
}

function commandTrouble(name: string, profile: Parts): string | undefined {
  const command = profile.commands[name];
  const meter = command?.meter;
  if (!command || !meter) return isMeter(profile.protocol) ? `commands.${name}.to: what does it do?` : undefined;
  if ('control' in meter !== (profile.protocol === 'dlt645')) return `commands.${name}.to: the other protocol has it`;
  const words = 'control' in meter ? meter.control : meter.valve;
  const missing = Object.keys(command.values ?? {}).find((value) => !Object.hasOwn(words, value));
  if (!command.values || missing !== undefined) return `commands.${name}.to: what does ${missing ?? 'a number'} do?`;
  return profile.metrics[command.confirm]?.kind === 'state'
    ? undefined
    : `commands.${name}.confirm: a switch shows in a state`;
}

/** What in these parts of a profile does not fit together. */
export function meterContradictions(profile: Parts): string[] {
  const { protocol, metrics } = profile;
  const found: (string | undefined)[] = [];
  for (const name of METER_PROTOCOLS) {
    if ((protocol === name) !== (profile[name] !== undefined))
      found.push(`${name}: profiles of protocol ${name} have it, others do not`);
  }
  for (const [name, { kind, meter }] of Object.entries(metrics)) {
    if (isMeter(protocol) !== (meter !== undefined)) found.push(`metrics.${name}.from: meters have a di or a field`);
    if (!meter) continue;
    if ('di' in meter !== (protocol === 'dlt645')) found.push(`metrics.${name}.from: the other protocol has it`);
    const isState = 'di' in meter ? meter.bit !== undefined : STATUS_FIELDS.some((one) => one === meter.field);
    if (isState !== (kind === 'state')) found.push(`metrics.${name}: bits and valves are states, numbers are not`);
    if ('field' in meter && profile.cjt188) found.push(fieldTrouble(name, meter, profile.cjt188.layout));
  }
  for (const [name, members] of Object.entries(profile.dlt645?.blocks ?? {})) {
    found.push(blockTrouble(name, members, metrics));
  }
  for (const name of Object.keys(profile.commands)) found.push(commandTrouble(name, profile));
  return found.filter((one) => one !== undefined);
}

/** How often a meter is read, and how long it is waited for. Undefined for what is no meter. */
export const meterPace = ({ dlt645: one, cjt188: other }: Pick<Parts, 'dlt645' | 'cjt188'>) => one ?? other;

const NUMBERS: Record<MeterProtocol, RegExp> = { dlt645: /^\d{12}$/, cjt188: /^\d{14}$/ };

/** Why a printed number is no address of one meter; undefined when it is. 99 and AA in all bytes speak to every meter on a line. */
export function wrongMeterNumber(protocol: MeterProtocol, number: string): string | undefined {
  if (!NUMBERS[protocol].test(number)) return `A meter of ${protocol} has ${protocol === 'dlt645' ? 12 : 14} digits`;
  return /^9+$/.test(number) ? 'All nines are no meter but every meter on the line' : undefined;
}
