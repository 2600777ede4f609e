import type { Register } from '../src/terminals/profile.ts';

/** Numbers to registers and bytes to frames, written apart from the gateway's own. */

export type Words = Map<number, number>;
type Place = Pick<Register, 'as' | 'scale' | 'bit' | 'offset' | 'order' | 'byte' | 'bits'>;

const widths = {
  ...{ uint16: 1, int16: 1, bcd16: 1 },
  ...{ uint32: 2, int32: 2, float32: 2, bcd32: 2 },
  ...{ uint64: 4, int64: 4, float64: 4 },
} as const;

export function widthOf(place: Pick<Place, 'as' | 'bits'>): number {
  const last = place.bits?.reduce((most, { word }) => Math.max(most, word), 0);
  return last === undefined ? widths[place.as] : last + 1;
}

const limits = {
  uint16: { min: 0, max: 0xffff },
  int16: { min: -0x8000, max: 0x7fff },
  bcd16: { min: 0, max: 9_999 },
  uint32: { min: 0, max: 0xffff_ffff },
  int32: { min: -0x8000_0000, max: 0x7fff_ffff },
  bcd32: { min: 0, max: 99_999_999 },
  uint64: { min: 0, max: Number.MAX_SAFE_INTEGER },
  int64: { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
} as const;

/** The bytes from the high one down. */
function bytesOf(place: Place, raw: number): Buffer {
  const bytes = Buffer.alloc(widthOf(place) * 2);
  if (place.as === 'float32') bytes.writeFloatBE(raw);
  else if (place.as === 'float64') bytes.writeDoubleBE(raw);
  else {
    const { min, max } = limits[place.as];
    const number = Math.min(max, Math.max(min, Math.round(raw)));
    if (place.as === 'bcd16' || place.as === 'bcd32')
      return Buffer.from(String(number).padStart(bytes.length * 2, '0'), 'hex');
    // Two's complement, byte by byte: division keeps what shifts would lose above 32 bits.
    let left = number;
    for (let i = bytes.length - 1; i >= 0; i -= 1) {
      bytes[i] = ((left % 256) + 256) % 256;
      left = Math.floor(left / 256);
    }
  }
  return bytes;
}

function numberOf(place: Place, bytes: Buffer): number {
  if (place.as === 'float32') return bytes.readFloatBE(0);
  if (place.as === 'float64') return bytes.readDoubleBE(0);
  if (place.as === 'bcd16' || place.as === 'bcd32') return Number(bytes.toString('hex'));
  let number = 0;
  for (const byte of bytes) number = number * 256 + byte;
  const isNegative = place.as.startsWith('int') && (bytes[0] ?? 0) >= 128;
  return isNegative ? number - 256 ** bytes.length : number;
}

/** Where byte number `i` of the value, 0 the highest, lies on the wire. */
function wireIndex(i: number, bytes: number, order: Place['order']): number {
  if (order === 'dcba') return bytes - 1 - i;
  if (order === 'badc') return i ^ 1;
  if (order === 'cdab') return bytes - 2 - (i & ~1) + (i & 1);
  return i;
}

/** Every single bit of a spread value, the highest first: which word it lies in, and where. */
function bitPlaces({ bits = [] }: Place): { word: number; at: number }[] {
  return bits.flatMap(({ word, from, to }) =>
    Array.from({ length: from - to + 1 }, (_, i) => ({ word, at: from - i })),
  );
}

/** Digit by digit, as on paper. */
function spread(words: Words, address: number, place: Place, raw: number): void {
  const places = bitPlaces(place);
  const all = 2 ** places.length;
  const digits = (((Math.round(raw) % all) + all) % all).toString(2).padStart(places.length, '0');
  for (const [i, { word, at }] of places.entries()) {
    const present = words.get(address + word) ?? 0;
    const without = present - (Math.floor(present / 2 ** at) % 2) * 2 ** at;
    words.set(address + word, without + Number(digits[i]) * 2 ** at);
  }
}

function gather(words: Words, address: number, place: Place): number {
  const places = bitPlaces(place);
  const digits = places.map(({ word, at }) => Math.floor((words.get(address + word) ?? 0) / 2 ** at) % 2);
  const raw = Number.parseInt(digits.join(''), 2);
  return place.as === 'int16' && digits[0] === 1 ? raw - 2 ** places.length : raw;
}

export function encodeValue(words: Words, address: number, place: Place, value: number): void {
  const present = words.get(address) ?? 0;
  if (place.bit !== undefined) {
    words.set(address, (present & ~(1 << place.bit) & 0xffff) | (value ? 1 << place.bit : 0));
    return;
  }
  const raw = (value - (place.offset ?? 0)) / place.scale;
  if (place.bits) {
    spread(words, address, place, raw);
    return;
  }
  if (place.byte !== undefined) {
    const part = Math.round(raw) & 0xff;
    words.set(address, place.byte === 'high' ? part * 256 + (present & 0xff) : (present & 0xff00) + part);
    return;
  }
  const bytes = bytesOf(place, raw);
  const wire = Buffer.alloc(bytes.length);
  for (const [i, byte] of bytes.entries()) wire[wireIndex(i, bytes.length, place.order)] = byte;
  for (let i = 0; i < wire.length; i += 2) words.set(address + i / 2, wire.readUInt16BE(i));
}

export function decodeValue(words: Words, address: number, place: Place): number {
  const first = words.get(address) ?? 0;
  if (place.bit !== undefined) return (first >> place.bit) & 1;
  let raw: number;
  if (place.bits) raw = gather(words, address, place);
  else if (place.byte !== undefined) {
    const part = place.byte === 'high' ? first >> 8 : first & 0xff;
    raw = place.as === 'int16' && part > 127 ? part - 256 : part;
  } else {
    const wire = Buffer.alloc(widthOf(place) * 2);
    for (let i = 0; i < wire.length; i += 2) wire.writeUInt16BE(words.get(address + i / 2) ?? 0, i);
    const bytes = Buffer.from(
      wire
        .keys()
        .map((i) => wire[wireIndex(i, wire.length, place.order)] ?? 0)
        .toArray(),
    );
    raw = numberOf(place, bytes);
  }
  return raw * place.scale + (place.offset ?? 0);
}

export interface ModbusFrame {
  readonly transaction: number;
  readonly unit: number;
  readonly pdu: Buffer;
}

const headerBytes = 7;
const longestPdu = 253;

export function writeFrame({ transaction, unit, pdu }: ModbusFrame): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(transaction, 0);
  header.writeUInt16BE(pdu.length + 1, 4);
  header.writeUInt8(unit, 6);
  return Buffer.concat([header, pdu]);
}

/** Cuts a stream into frames however TCP split or glued it. Returns undefined once the bytes are no Modbus. */
export function createFrameCutter(): (bytes: Buffer) => ModbusFrame[] | undefined {
  let rest: Buffer = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const frames: ModbusFrame[] = [];
    while (rest.length >= headerBytes) {
      const length = rest.readUInt16BE(4);
      if (rest.readUInt16BE(2) !== 0 || length < 2 || length > longestPdu + 1) return undefined;
      const end = headerBytes - 1 + length;
      if (rest.length < end) break;
      frames.push({
        transaction: rest.readUInt16BE(0),
        unit: rest.readUInt8(6),
        pdu: Buffer.from(rest.subarray(headerBytes, end)),
      });
      rest = rest.subarray(end);
    }
    return frames;
  };
}
