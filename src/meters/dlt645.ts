import { OFFSET_MS } from '../lib/calendar.ts';
import { checksum, type MeterFrame, OFFSET, onWire, printed } from './framer.ts';

/**
 * Requests to DL/T 645-2007 meters, and what their answers say. There is no way to write one here that clears demand (19), the meter (1A)
 * or events (1B), sets an address, a time or a password, or speaks to all meters of a line. Pure.
 */

const WAKE = Buffer.from('FEFEFEFE', 'hex');

/** Function codes: the only ones that are ever sent. 01 is how a meter of 1997 is read. */
const READ = 0x11;
const READ_MORE = 0x12;
const CONTROL = 0x1c;
const READ_1997 = 0x01;
type FunctionCode = typeof READ | typeof READ_MORE | typeof CONTROL | typeof READ_1997;

const ANSWER = 0x80;
const ABNORMAL = 0x40;
const MORE = 0x20;
const FUNCTION = 0x1f;

/** Forward active energy of a meter of 1997. */
const ENERGY_1997 = '9010';

function frame(address: string, code: FunctionCode, data: Buffer): Buffer {
  // A wildcard has letters, and the broadcast address nothing but nines.
  if (!/^\d{12}$/.test(address) || /^9+$/.test(address)) throw new RangeError(`${address} is no meter's address`);
  const body = Buffer.from(data.map((byte) => byte + OFFSET));
  const bytes = Buffer.concat([Buffer.of(0x68), onWire(address), Buffer.of(0x68, code, body.length), body]);
  return Buffer.concat([WAKE, bytes, Buffer.of(checksum(bytes), 0x16)]);
}

export const readRequest = (address: string, di: string): Buffer => frame(address, READ, onWire(di));
/** The next part of an answer that said that more follows; `sequence` begins with 1. */
export const moreRequest = (address: string, di: string, sequence: number): Buffer =>
  frame(address, READ_MORE, Buffer.concat([onWire(di), Buffer.of(sequence)]));
export const request1997 = (address: string): Buffer => frame(address, READ_1997, onWire(ENERGY_1997));

const ACTIONS = { trip: 0x1a, allow: 0x1b, close: 0x1c } as const;

export interface ControlOrder {
  action: keyof typeof ACTIONS;
  /** Level and password as eight digits, PA first; and the operator's code. */
  password: string;
  operator: string;
  /** When the meter may no longer do it. Epoch ms. */
  until: number;
}

const DAY_MS = 86_400_000;

const bcd = (number: number): number => (Math.floor(number / 10) << 4) | (number % 10);

/** ss mm hh DD MM YY in Chinese time. */
function validity(until: number): Buffer {
  const local = new Date(until + OFFSET_MS);
  const [year, month, day] = [local.getUTCFullYear() - 2000, local.getUTCMonth() + 1, local.getUTCDate()];
  return Buffer.of(...[local.getUTCSeconds(), local.getUTCMinutes(), local.getUTCHours(), day, month, year].map(bcd));
}

/**
 * Trips a meter, or lets it close (DL/T 645-2007 §7, 1CH). Throws RangeError for an order that holds longer than a day: one that lay in a
 * queue would still cut somebody off.
 */
export function controlRequest(address: string, order: ControlOrder, now: number): Buffer {
  const { action, password, operator, until } = order;
  if (!(until > now && until <= now + DAY_MS)) throw new RangeError('an order holds for a day at most');
  if (!/^\d{8}$/.test(password) || !/^\d{8}$/.test(operator)) throw new RangeError('eight digits each');
  const secret = Buffer.concat([Buffer.from(password.slice(0, 2), 'hex'), onWire(password.slice(2))]);
  const data = [secret, onWire(operator), Buffer.of(ACTIONS[action], 0), validity(until)];
  return frame(address, CONTROL, Buffer.concat(data));
}

/** Where the password and the operator stand in a request to control. */
export const secretOf = (request: Buffer): Buffer => request.subarray(WAKE.length + 10, WAKE.length + 18);

/** A meter answered, and said no: the bits of its error byte. */
const ERRORS = [
  'other error',
  'no such data',
  'password wrong or not authorised',
  'baud rate cannot change',
  'too many year zones',
  'too many day slots',
  'too many tariffs',
];

export type Answer645 =
  /** `part` is 0 for an answer's beginning, and then counts what follows. */
  | { kind: 'data'; di: string; data: Buffer; part: number; hasMore: boolean }
  | { kind: 'accepted' }
  | { kind: 'refused'; toControl: boolean; noSuchData: boolean; unauthorised: boolean; reason: string }
  /** It speaks the standard of 1997. */
  | { kind: 'old' }
  /** A request that came back, or something that nobody asks. */
  | { kind: 'other' };

function refusal(control: number, data: Buffer): Answer645 {
  const bits = data[0] ?? 0;
  const named = ERRORS.filter((_, bit) => bits & (1 << bit)).join(', ') || 'no reason';
  const code = bits.toString(16).padStart(2, '0').toUpperCase();
  return {
    kind: 'refused',
    toControl: (control & FUNCTION) === CONTROL,
    noSuchData: (bits & 2) !== 0,
    unauthorised: (bits & 4) !== 0,
    reason: `DL/T 645 error ${code}: ${named}`,
  };
}

export function answer645({ control, data }: Pick<MeterFrame, 'control' | 'data'>): Answer645 {
  const code = control & FUNCTION;
  if ((control & ANSWER) === 0) return { kind: 'other' };
  if (code === READ_1997) return { kind: 'old' };
  if (code !== READ && code !== READ_MORE && code !== CONTROL) return { kind: 'other' };
  if (control & ABNORMAL) return refusal(control, data);
  if (code === CONTROL) return { kind: 'accepted' };
  if (data.length < 4) return { kind: 'other' };
  const head = { kind: 'data', di: printed(data.subarray(0, 4)), hasMore: (control & MORE) !== 0 } as const;
  if (code === READ) return { ...head, data: data.subarray(4), part: 0 };
  // What follows has its number at the end.
  const part = data.length > 4 ? data.readUInt8(data.length - 1) : 0;
  return part === 0 ? { kind: 'other' } : { ...head, data: data.subarray(4, -1), part };
}
