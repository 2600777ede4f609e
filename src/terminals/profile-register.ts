import { z } from 'zod';

/** Where a value lies on Modbus, as a profile says it. */

export const address = z.int().min(0).max(65535);

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
const isWhole = (r: { bit?: unknown; byte?: unknown; order?: unknown }): boolean =>
  r.bit === undefined && r.byte === undefined && r.order === undefined;
const ONE_PLACE = 'name one of holding, input, coil and discrete';

/** Bits of a value that is spread over words, `word` counted from its address on, both ends included. */
const bits = z
  .array(
    z
      .strictObject({ word: z.int().min(0).max(3).default(0), from: bit, to: bit })
      .refine(({ from, to }) => from >= to, 'bits go from the high one down'),
  )
  .min(1)
  .max(4)
  .refine((runs) => widthOf(runs) <= 16, 'no more than 16 bits');
const widthOf = (runs: { from: number; to: number }[]): number =>
  runs.reduce((n, { from, to }) => n + from - to + 1, 0);

/** Only this half of a word: as uint16 from 0 to 255, as int16 from -128 to 127. */
const byte = z.enum(['high', 'low']);

/**
 * For a device that takes its registers only together: all are read, the value and then what is in `put` go in, and all are written in one
 * request.
 */
const block = z.strictObject({
  holding: address,
  count: z.int().min(2).max(123),
  /** Numbers that go in whatever the value is, such as the mark of what changes. */
  put: z
    .array(
      z.strictObject({
        holding: address,
        byte: byte.optional(),
        bits: bits.optional(),
        value: z.int().min(0).max(0xffff),
      }),
    )
    .default([]),
});

/** Where a value lies on Modbus, and how. */
export const register = z
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
    byte: byte.optional(),
    /** Only these bits, the value's high ones first: as uint16 without a sign, as int16 the first one is the sign. */
    bits: bits.optional(),
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
    /** For writing: never alone. */
    block: block.optional(),
  })
  .refine(isOnePlace, ONE_PLACE)
  .refine((r) => r.bit === undefined || (isWord(r) && r.as === 'uint16'), 'a bit lies in a uint16')
  .refine((r) => r.byte === undefined || (isWord(r) && r.bit === undefined), 'a byte lies in a uint16 or int16')
  .refine((r) => r.bits === undefined || (isWord(r) && isWhole(r)), 'bits are a uint16 or int16 without byte and order')
  .refine((r) => r.block === undefined || r.holding !== undefined, 'a block has holding registers')
  .refine(
    (r) => isWord(r) || (r.coil === undefined && r.discrete === undefined) || r.as === 'uint16',
    'a coil is one bit',
  );
export type Register = z.infer<typeof register>;

/** Letters in registers, two in a word, the high byte first unless `badc`: a serial number, a model. They end at the first zero. */
const text = z.strictObject({
  title: z.strictObject({ zh: z.string().min(1), en: z.string().min(1) }),
  from: z
    .strictObject({
      holding: address.optional(),
      input: address.optional(),
      words: z.int().min(1).max(64),
      order: z.enum(['abcd', 'badc']).default('abcd'),
    })
    .refine(({ holding, input }) => (holding === undefined) !== (input === undefined), 'name one of holding and input'),
});
export const texts = z.record(z.string().regex(/^[a-z][a-z0-9_]{0,40}$/), text).default({});
export type Texts = z.output<typeof texts>;

/** What the schema alone cannot say of them. */
export function textContradictions(profile: { texts: Texts; poll?: { maxRegisters: number } | undefined }): string[] {
  return Object.entries(profile.texts).flatMap(([name, { from }]) => {
    if (!profile.poll) return [`texts.${name}: only Modbus profiles have them`];
    return from.words > profile.poll.maxRegisters ? [`texts.${name}.from: wider than poll.maxRegisters`] : [];
  });
}
