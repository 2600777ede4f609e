/**
 * Meter frames within whatever comes over a line: DL/T 645-2007 §5.2 and CJ/T 188-2004 §5, told apart by the second 68H. Noise, glued, cut
 * and damaged frames cost nothing but themselves: after a byte that begins no frame the next one is tried. Pure.
 */

export interface MeterFrame {
  protocol: 'dlt645' | 'cjt188';
  /** As printed on the meter, high digit first. */
  address: string;
  /** T of CJ/T 188, what the meter counts. */
  type: number;
  control: number;
  /** Without the 33H that DL/T 645 adds. */
  data: Buffer;
}

export interface Cut {
  frames: MeterFrame[];
  /** What may be the beginning of a frame: shorter than the longest. */
  rest: Buffer;
  /** Bytes that belong to no frame, without the FEH that wake a line. */
  noise: number;
}

const START = 0x68;
const END = 0x16;
const WAKE = 0xfe;
export const OFFSET = 0x33;
/** L of DL/T 645 when reading is 200 at most, of CJ/T 188 100. */
const MOST_DATA = { dlt645: 200, cjt188: 100 };

export const checksum = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0);

export const printed = (address: Uint8Array): string => Buffer.from(address).reverse().toString('hex').toUpperCase();
export const onWire = (address: string): Buffer => Buffer.from(address, 'hex').reverse();

type Attempt = { frame: MeterFrame; end: number } | 'none' | 'more';

/** The whole of a frame with its head of ten or eleven bytes, or why there is none. */
function wholeFrame(bytes: Buffer, at: number, head: number, most: number): Buffer | 'none' | 'more' {
  const length = bytes[at + head - 1];
  if (length === undefined) return 'more';
  if (length > most) return 'none';
  const end = at + head + length + 2;
  if (bytes.length < end) return 'more';
  if (bytes[end - 1] !== END) return 'none';
  return checksum(bytes.subarray(at, end - 2)) === bytes[end - 2] ? bytes.subarray(at, end) : 'none';
}

function dlt645At(bytes: Buffer, at: number): Attempt {
  const second = bytes[at + 7];
  if (second === undefined) return 'more';
  if (second !== START) return 'none';
  const frame = wholeFrame(bytes, at, 10, MOST_DATA.dlt645);
  if (typeof frame === 'string') return frame;
  const data = Buffer.from(frame.subarray(10, -2).map((byte) => byte - OFFSET));
  const address = printed(frame.subarray(1, 7));
  return { frame: { protocol: 'dlt645', address, type: 0, control: frame.readUInt8(8), data }, end: at + frame.length };
}

function cjt188At(bytes: Buffer, at: number): Attempt {
  const frame = wholeFrame(bytes, at, 11, MOST_DATA.cjt188);
  if (typeof frame === 'string') return frame;
  const [type, control] = [frame.readUInt8(1), frame.readUInt8(9)];
  const address = printed(frame.subarray(2, 9));
  const data = Buffer.from(frame.subarray(11, -2));
  return { frame: { protocol: 'cjt188', address, type, control, data }, end: at + frame.length };
}

function frameAt(bytes: Buffer, at: number): Attempt {
  const one = dlt645At(bytes, at);
  if (typeof one === 'object') return one;
  const other = cjt188At(bytes, at);
  return other === 'none' ? one : other;
}

/**
 * Takes all frames out of the bytes. A beginning that is not whole yet holds up nothing: a whole frame after it shows that it was none.
 */
export function cutFrames(bytes: Buffer): Cut {
  const frames: MeterFrame[] = [];
  let noise = 0;
  let pending: number | undefined;
  let skipped = 0;
  for (let at = 0; at < bytes.length; ) {
    const attempt = bytes[at] === START ? frameAt(bytes, at) : 'none';
    if (typeof attempt === 'object') {
      frames.push(attempt.frame);
      noise += skipped;
      [pending, skipped, at] = [undefined, 0, attempt.end];
      continue;
    }
    if (attempt === 'more') pending ??= at;
    if (pending === undefined) noise += bytes[at] === WAKE ? 0 : 1;
    else skipped += 1;
    at += 1;
  }
  return { frames, rest: Buffer.from(bytes.subarray(pending ?? bytes.length)), noise };
}

/** The bytes of a payload that may be written in hexadecimal: every byte a digit or blank, and an even number of digits. */
export function payloadBytes(payload: Buffer): { bytes: Buffer; isText: boolean } {
  const digits = payload.toString('latin1').replace(/[\s]/g, '');
  const isText = digits.length > 0 && digits.length % 2 === 0 && /^[0-9A-Fa-f]+$/.test(digits);
  return { bytes: isText ? Buffer.from(digits, 'hex') : payload, isText };
}
