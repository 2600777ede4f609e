import { checksum, type MeterFrame, onWire } from './framer.ts';

/** Requests to CJ/T 188-2004 and -2018 meters, and what their answers say: the current reading and the valve, nothing else is asked. Pure. */

const WAKE = Buffer.from('FEFEFEFE', 'hex');

const READ = 0x01;
const WRITE = 0x04;
type FunctionCode = typeof READ | typeof WRITE;

const ANSWER = 0x80;
const ABNORMAL = 0x40;
const FUNCTION = 0x1f;

const CURRENT_READING = '901F';
const VALVE = 'A017';
const OPERATIONS = { open: 0x55, close: 0x99 } as const;

export interface Meter188 {
  /** Printed, 14 digits. */
  address: string;
  /** T: two hexadecimal digits. */
  type: string;
}

function frame({ address, type }: Meter188, code: FunctionCode, data: Buffer): Buffer {
  // The broadcast address is AA in all bytes.
  if (!/^\d{14}$/.test(address) || /^9+$/.test(address)) throw new RangeError(`${address} is no meter's address`);
  const head = Buffer.concat([
    Buffer.of(0x68),
    Buffer.from(type, 'hex'),
    onWire(address),
    Buffer.of(code, data.length),
  ]);
  const bytes = Buffer.concat([head, data]);
  return Buffer.concat([WAKE, bytes, Buffer.of(checksum(bytes), 0x16)]);
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'hex');

/** `order` is the identifier as its bytes go out: `1F90` or `901F`. */
export const currentRequest = (meter: Meter188, order: '1F90' | '901F', serial: number): Buffer =>
  frame(meter, READ, Buffer.concat([bytesOf(order), Buffer.of(serial)]));

export const valveRequest = (
  meter: Meter188,
  order: '17A0' | 'A017',
  serial: number,
  operation: keyof typeof OPERATIONS,
): Buffer => frame(meter, WRITE, Buffer.concat([bytesOf(order), Buffer.of(serial, OPERATIONS[operation])]));

export type Answer188 =
  | { kind: 'data'; di: string; serial: number; data: Buffer }
  | { kind: 'accepted'; serial: number }
  | { kind: 'refused'; toValve: boolean; serial: number; reason: string }
  | { kind: 'other' };

const IDENTIFIERS: Record<string, string> = {
  '1F90': CURRENT_READING,
  '901F': CURRENT_READING,
  '17A0': VALVE,
  A017: VALVE,
};

const hex = (bytes: Buffer): string => bytes.toString('hex').toUpperCase();

export function answer188({ control, data }: Pick<MeterFrame, 'control' | 'data'>): Answer188 {
  const code = control & FUNCTION;
  const [first = 0, , third = 0] = data;
  if ((control & ANSWER) === 0 || (code !== READ && code !== WRITE)) return { kind: 'other' };
  if (control & ABNORMAL) {
    const reason = `CJ/T 188 error, status ${hex(data.subarray(1)) || 'none'}`;
    return { kind: 'refused', toValve: code === WRITE, serial: first, reason };
  }
  if (data.length < 3) return { kind: 'other' };
  const di = IDENTIFIERS[hex(data.subarray(0, 2))];
  if (code === WRITE) return di === VALVE ? { kind: 'accepted', serial: third } : { kind: 'other' };
  return di === undefined || di === VALVE
    ? { kind: 'other' }
    : { kind: 'data', di, serial: third, data: data.subarray(3) };
}
