import type { Register } from '../src/terminals/profile.ts';

/** Numbers to registers and bytes to frames, written apart from the gateway's own. High word first. */

export type Words = Map<number, number>;
type Place = Pick<Register, 'as' | 'scale' | 'bit'>;

export function widthOf(place: Place): number {
  return place.as === 'uint16' || place.as === 'int16' ? 1 : 2;
}

const whole = {
  uint16: { min: 0, max: 0xffff },
  int16: { min: -0x8000, max: 0x7fff },
  uint32: { min: 0, max: 0xffff_ffff },
  int32: { min: -0x8000_0000, max: 0x7fff_ffff },
} as const;

export function encodeValue(words: Words, address: number, place: Place, value: number): void {
  if (place.bit !== undefined) {
    const others = (words.get(address) ?? 0) & ~(1 << place.bit) & 0xffff;
    words.set(address, others | (value ? 1 << place.bit : 0));
    return;
  }
  const bytes = Buffer.alloc(4);
  const raw = value / place.scale;
  if (place.as === 'float32') {
    bytes.writeFloatBE(raw);
  } else {
    const { min, max } = whole[place.as];
    const number = Math.min(max, Math.max(min, Math.round(raw)));
    // Two's complement: the low bits are the same with or without a sign.
    bytes.writeUInt32BE(number >>> 0);
  }
  if (widthOf(place) === 2) words.set(address, bytes.readUInt16BE(0)).set(address + 1, bytes.readUInt16BE(2));
  else words.set(address, bytes.readUInt16BE(2));
}

export function decodeValue(words: Words, address: number, place: Place): number {
  const first = words.get(address) ?? 0;
  if (place.bit !== undefined) return (first >> place.bit) & 1;
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(first, 0);
  bytes.writeUInt16BE(words.get(address + 1) ?? 0, 2);
  const raw = {
    uint16: () => first,
    int16: () => bytes.readInt16BE(0),
    uint32: () => bytes.readUInt32BE(0),
    int32: () => bytes.readInt32BE(0),
    float32: () => bytes.readFloatBE(0),
  }[place.as]();
  return raw * place.scale;
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
