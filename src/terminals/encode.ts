import type { RegisterFrame } from './decode.ts';
import type { CommandDefinition, Register } from './profile.ts';

/** Between numbers and registers, and between a command's value and the number that it stands for. */

export type RegisterTable = keyof RegisterFrame;
type Place = Pick<Register, RegisterTable>;
type Size = Pick<Register, 'as' | 'bits'>;
type Bits = NonNullable<Register['bits']>;

const TABLES: RegisterTable[] = ['holding', 'input', 'coil', 'discrete'];

/** Where a register map's entry lies; the schema sees to it that it lies somewhere. */
export const registerTable = (place: Place): RegisterTable =>
  TABLES.find((table) => place[table] !== undefined) ?? 'holding';

export const registerAddress = (place: Place): number => place[registerTable(place)] ?? 0;

/** Registers, or bits, that a value takes. */
export function registerCount({ as, bits }: Size): number {
  if (bits) return 1 + Math.max(...bits.map(({ word }) => word));
  if (as.endsWith('64')) return 4;
  return as.endsWith('32') ? 2 : 1;
}

/** Every place that has to be read for these entries: their own, and those that say whether they are valid. */
export const placesOf = (registers: Register[]): (Place & Size)[] =>
  registers.flatMap((register) =>
    register.validWhen ? [register, { ...register.validWhen, as: 'uint16' }] : [register],
  );

const clean = (value: number): number => Number(value.toPrecision(15));

/** Brings the bytes of a value into the order high byte first, or back: each order undoes itself. */
function ordered(bytes: Buffer, order: Register['order'] = 'abcd'): Buffer {
  const swapped = Buffer.from(bytes);
  if (order === 'badc' || order === 'dcba') swapped.swap16();
  if (order === 'abcd' || order === 'badc') return swapped;
  const words = Buffer.alloc(bytes.length);
  for (let i = 0; i < bytes.length; i += 2) swapped.copy(words, bytes.length - 2 - i, i, i + 2);
  return words;
}

function bcd(bytes: Buffer): number {
  const digits = bytes.toString('hex');
  return /^\d+$/.test(digits) ? Number(digits) : Number.NaN;
}

const READ: Record<Register['as'], (bytes: Buffer) => number> = {
  uint16: (bytes) => bytes.readUInt16BE(),
  int16: (bytes) => bytes.readInt16BE(),
  uint32: (bytes) => bytes.readUInt32BE(),
  int32: (bytes) => bytes.readInt32BE(),
  uint64: (bytes) => Number(bytes.readBigUInt64BE()),
  int64: (bytes) => Number(bytes.readBigInt64BE()),
  // A float32 carries seven digits: 230.2, not 230.1999969.
  float32: (bytes) => Number(bytes.readFloatBE().toPrecision(7)),
  float64: (bytes) => bytes.readDoubleBE(),
  bcd16: bcd,
  bcd32: bcd,
};

const widthOf = ({ from, to }: Bits[number]): number => from - to + 1;
const maskOf = (run: Bits[number]): number => 2 ** widthOf(run) - 1;
const bitsIn = (bits: Bits): number => bits.reduce((sum, run) => sum + widthOf(run), 0);

/** Two's complement of as many bits as there are: of 12 the highest counts -2048, so that FFFh is -1. */
function gathered(bits: Bits, as: Register['as'], words: number[]): number {
  const raw = bits.reduce(
    (sum, run) => sum * 2 ** widthOf(run) + (((words[run.word] ?? 0) >> run.to) & maskOf(run)),
    0,
  );
  const range = 2 ** bitsIn(bits);
  return as === 'int16' && raw >= range / 2 ? raw - range : raw;
}

function rawOf({ as, order, byte, bits }: Register, words: number[]): number {
  if (bits) return gathered(bits, as, words);
  const bytes = Buffer.alloc(2 * words.length);
  for (const [i, word] of words.entries()) bytes.writeUInt16BE(word, 2 * i);
  const inOrder = ordered(bytes, order);
  if (byte === undefined) return READ[as](inOrder);
  const at = byte === 'high' ? 0 : 1;
  return as === 'int16' ? inOrder.readInt8(at) : inOrder.readUInt8(at);
}

/** Whether the device itself says that the value counts. */
function isValid({ validWhen }: Register, frame: RegisterFrame): boolean {
  if (!validWhen) return true;
  const word = frame[registerTable(validWhen)]?.get(registerAddress(validWhen));
  return word !== undefined && ((word >> validWhen.bit) & 1) === validWhen.is;
}

/** The value that a register map's entry has in a frame; undefined when it is missing, marked absent or not valid now. */
export function registerValue(register: Register, frame: RegisterFrame): number | undefined {
  if (!isValid(register, frame)) return undefined;
  const table = frame[registerTable(register)];
  const address = registerAddress(register);
  const words: number[] = [];
  for (let i = 0; i < registerCount(register); i += 1) {
    const word = table?.get(address + i);
    if (word === undefined) return undefined;
    words.push(word);
  }
  const raw = rawOf(register, words);
  if (!Number.isFinite(raw) || register.absent.includes(raw)) return undefined;
  if (register.bit !== undefined) return (raw >> register.bit) & 1;
  return clean(raw * register.scale + (register.offset ?? 0));
}

const WHOLE: Partial<Record<Register['as'], [min: number, max: number]>> = {
  uint16: [0, 0xffff],
  int16: [-0x8000, 0x7fff],
  uint32: [0, 0xffff_ffff],
  int32: [-0x8000_0000, 0x7fff_ffff],
  uint64: [0, Number.MAX_SAFE_INTEGER],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  bcd16: [0, 9_999],
  bcd32: [0, 99_999_999],
};

function bytesOfNumber(register: Register, raw: number): Buffer | undefined {
  const { as } = register;
  const bytes = Buffer.alloc(2 * registerCount(register));
  if (as === 'float32') bytes.writeFloatBE(raw);
  else if (as === 'float64') bytes.writeDoubleBE(raw);
  else {
    const whole = Math.round(raw);
    const [min, max] = WHOLE[as] ?? [0, 0];
    if (!(whole >= min && whole <= max)) return undefined;
    const digits = as.startsWith('bcd') ? BigInt(`0x${whole}`) : BigInt.asUintN(8 * bytes.length, BigInt(whole));
    bytes.write(digits.toString(16).padStart(2 * bytes.length, '0'), 'hex');
  }
  return bytes;
}

/** The words that are there, with a number in these bits of them. */
function scattered(bits: Bits, as: Register['as'], raw: number, present: readonly number[]): number[] | undefined {
  const range = 2 ** bitsIn(bits);
  const [min, max] = as === 'int16' ? [-range / 2, range / 2 - 1] : [0, range - 1];
  const whole = Math.round(raw);
  if (!(whole >= min && whole <= max)) return undefined;
  const words = Array.from({ length: registerCount({ as, bits }) }, (_, i) => present[i] ?? 0);
  let left = whole < 0 ? whole + range : whole;
  for (const run of bits.toReversed()) {
    const kept = (words[run.word] ?? 0) & ~(maskOf(run) << run.to);
    words[run.word] = kept | ((left & maskOf(run)) << run.to);
    left = Math.floor(left / 2 ** widthOf(run));
  }
  return words;
}

/** One bit or one byte of the word that is there, the others as they are. */
function partOfWord({ bit, byte, as }: Register, raw: number, present: number): number | undefined {
  if (bit !== undefined) return raw ? present | (1 << bit) : present & ~(1 << bit) & 0xffff;
  const whole = Math.round(raw);
  const [min, max] = as === 'int16' ? [-128, 127] : [0, 255];
  if (!(whole >= min && whole <= max)) return undefined;
  const part = whole & 0xff;
  return byte === 'high' ? (part << 8) | (present & 0xff) : (present & 0xff00) | part;
}

/** Whether a value has its words for itself; else those that are there are needed to write it. */
export const isWhole = ({ bit, byte, bits }: Register): boolean =>
  bit === undefined && byte === undefined && bits === undefined;

/**
 * The words to write so that the register map's entry shows `value`; for a coil 0 or 1. Single bits and bytes need the words that are there
 * now. Undefined for what does not fit.
 */
export function registerWords(
  register: Register,
  value: number,
  present: readonly number[] = [],
): number[] | undefined {
  if (registerTable(register) === 'coil') return [value ? 1 : 0];
  const raw = clean((value - (register.offset ?? 0)) / register.scale);
  const swap = (word: number) => ordered(Buffer.of(word >> 8, word & 0xff), register.order).readUInt16BE();
  if (register.bits) return scattered(register.bits, register.as, raw, present);
  if (!isWhole(register)) {
    const word = partOfWord(register, register.bit === undefined ? raw : value, swap(present[0] ?? 0));
    return word === undefined ? undefined : [swap(word)];
  }
  const bytes = bytesOfNumber(register, raw);
  if (!bytes) return undefined;
  const inOrder = ordered(bytes, register.order);
  return Array.from({ length: registerCount(register) }, (_, i) => inOrder.readUInt16BE(2 * i));
}

/**
 * The words of a register's whole block, with the value in those that are there, and then the numbers that always go in. Undefined for what
 * does not fit into its place or the block.
 */
export function blockWords(register: Register, value: number, present: readonly number[]): number[] | undefined {
  const { block } = register;
  if (!block) return undefined;
  const words = Array.from({ length: block.count }, (_, i) => present[i] ?? 0);
  const fixed = block.put.map((put) => ({ entry: { ...put, as: 'uint16' as const, scale: 1, absent: [] }, ...put }));
  for (const one of [{ entry: register, value }, ...fixed]) {
    const at = registerAddress(one.entry) - block.holding;
    const put = registerWords(one.entry, one.value, words.slice(at));
    if (!put || at < 0 || at + put.length > block.count) return undefined;
    words.splice(at, put.length, ...put);
  }
  return words;
}

/** The number that a confirming reading shows when the command happened; undefined when the profile does not allow the value. */
export function commandNumber(definition: CommandDefinition, value: string | number): number | undefined {
  if (definition.values) {
    return typeof value === 'string' && Object.hasOwn(definition.values, value) ? definition.values[value] : undefined;
  }
  const range = definition.range;
  if (!range || typeof value !== 'number' || !(value >= range.min && value <= range.max)) return undefined;
  const steps = (value - range.min) / range.step;
  return Math.abs(steps - Math.round(steps)) < 1e-9 ? value : undefined;
}
