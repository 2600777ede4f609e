/** Frames of DL/T 645-2007 and CJ/T 188 as meters see and say them, written apart from the gateway's own. */

export interface MeterRequest {
  readonly protocol: 'dlt645' | 'cjt188';
  /** As printed. */
  readonly number: string;
  /** T of CJ/T 188. */
  readonly type: number;
  readonly control: number;
  /** Without the offset of DL/T 645. */
  readonly data: Buffer;
  readonly raw: Buffer;
}

const sumOf = (bytes: Uint8Array): number => {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return sum % 256;
};

/** Bytes in their reverse order, as digits. */
export const digits = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) text = byte.toString(16).padStart(2, '0').toUpperCase() + text;
  return text;
};

/** Digits as bytes, the last two first. */
export function reversed(text: string): Buffer {
  const bytes: number[] = [];
  for (let end = text.length; end >= 2; end -= 2) bytes.push(Number.parseInt(text.slice(end - 2, end), 16));
  return Buffer.from(bytes);
}

/** Decimal digits in so many bytes, low ones first; a minus is the highest bit. */
export function decimal(value: number, decimals: number, bytes: number): Buffer {
  const whole = Math.round(Math.abs(value) * 10 ** decimals) % 10 ** (2 * bytes);
  const coded = reversed(String(whole).padStart(2 * bytes, '0'));
  const last = coded[bytes - 1] ?? 0;
  if (value < 0) coded[bytes - 1] = last + 0x80;
  return coded;
}

export function write645(number: string, control: number, data: Uint8Array): Buffer {
  const body = [0x68, ...reversed(number), 0x68, control, data.length, ...[...data].map((byte) => (byte + 0x33) % 256)];
  return Buffer.from([0xfe, 0xfe, 0xfe, 0xfe, ...body, sumOf(Buffer.from(body)), 0x16]);
}

export function write188(type: number, number: string, control: number, data: Uint8Array): Buffer {
  const body = [0x68, type, ...reversed(number), control, data.length, ...data];
  return Buffer.from([0xfe, 0xfe, ...body, sumOf(Buffer.from(body)), 0x16]);
}

/** The request at the start of the bytes, null for none, undefined while too little has come. */
function requestAt(bytes: Buffer): MeterRequest | null | undefined {
  if (bytes.length < 12) return undefined;
  const is645 = bytes[7] === 0x68;
  const head = is645 ? 10 : 11;
  const length = head + (bytes[head - 1] ?? 0) + 2;
  if (length > 220) return null;
  if (bytes.length < length) return undefined;
  const raw = Buffer.from(bytes.subarray(0, length));
  if (raw[length - 1] !== 0x16 || sumOf(raw.subarray(0, -2)) !== raw[length - 2]) return null;
  const data = raw.subarray(head, -2);
  const number = is645 ? digits(raw.subarray(1, 7)) : digits(raw.subarray(2, 9));
  return {
    protocol: is645 ? 'dlt645' : 'cjt188',
    number,
    type: is645 ? 0 : raw.readUInt8(1),
    control: raw.readUInt8(head - 2),
    data: is645 ? Buffer.from([...data].map((byte) => (byte + 256 - 0x33) % 256)) : data,
    raw,
  };
}

/** Cuts requests out of a stream. */
export function createMeterCutter(): (bytes: Buffer) => MeterRequest[] {
  let rest: Buffer = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const requests: MeterRequest[] = [];
    for (;;) {
      const start = rest.indexOf(0x68);
      rest = start < 0 ? Buffer.alloc(0) : rest.subarray(start);
      const request = rest.length > 0 ? requestAt(rest) : undefined;
      if (request === undefined) return requests;
      if (request) requests.push(request);
      rest = rest.subarray(request ? request.raw.length : 1);
    }
  };
}
