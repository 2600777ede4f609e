import { BadFrame } from './question.ts';

/**
 * Frames on a line: Modbus TCP, told apart by transaction ids, and RTU, which has none: there an answer is known by its unit, function,
 * length and checksum, and anything else that comes is refused. Pure.
 */

export type Framing = 'tcp' | 'rtu';

/** What an answer must look like. */
export interface Expected {
  unit: number;
  functionCode: number;
  /** Bytes of a good answer without its frame. */
  length: number;
  /** The request as it was sent, which some RS-485 adapters give back. */
  sent: Buffer;
  /** Whether this line gives every request back. */
  echoes: boolean;
  /** Packets that a DTU sends by itself: heartbeats, and its registration again. */
  heartbeats: readonly Buffer[];
}

/** What has come: nothing whole yet, or an answer and what follows it. `echoed` when the request came back first. */
export type Unwrapped = { pdu: Buffer; rest: Buffer; echoed?: boolean; late?: number } | undefined;

const TCP_HEAD = 7;
const LONGEST_PDU = 253;
const EXCEPTION_LENGTH = 2;

const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  return crc;
});

function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) crc = (crc >> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0);
  return crc;
}

export function wrapTcp(transaction: number, unit: number, pdu: Buffer): Buffer {
  const frame = Buffer.alloc(TCP_HEAD + pdu.length);
  frame.writeUInt16BE(transaction, 0);
  frame.writeUInt16BE(pdu.length + 1, 4);
  frame.writeUInt8(unit, 6);
  pdu.copy(frame, TCP_HEAD);
  return frame;
}

export function wrapRtu(unit: number, pdu: Buffer): Buffer {
  const frame = Buffer.alloc(pdu.length + 3);
  frame.writeUInt8(unit, 0);
  pdu.copy(frame, 1);
  frame.writeUInt16LE(crc16(frame.subarray(0, -2)), frame.length - 2);
  return frame;
}

/** The first frame of a Modbus TCP stream. Throws `BadFrame` when the bytes are none: the stream cannot be read any further. */
function firstTcp(bytes: Buffer): { transaction: number; unit: number; pdu: Buffer; rest: Buffer } | undefined {
  if (bytes.length >= 4 && bytes.readUInt16BE(2) !== 0) throw new BadFrame('no Modbus TCP');
  if (bytes.length < 6) return undefined;
  const length = bytes.readUInt16BE(4);
  if (length < 2 || length > LONGEST_PDU + 1) throw new BadFrame(`a Modbus TCP frame of ${length} bytes`);
  const end = TCP_HEAD - 1 + length;
  if (bytes.length < end) return undefined;
  return {
    transaction: bytes.readUInt16BE(0),
    unit: bytes.readUInt8(6),
    pdu: bytes.subarray(TCP_HEAD, end),
    rest: bytes.subarray(end),
  };
}

/** Answers of earlier transactions are passed over; `late` counts them. */
export function unwrapTcp(bytes: Buffer, expected: Expected, transaction: number): Unwrapped {
  let late = 0;
  for (let first = firstTcp(bytes); first; first = firstTcp(first.rest)) {
    if (first.transaction !== transaction) {
      late += 1;
      // Only what was asked before can be late: any other number was never given.
      if (((transaction - first.transaction) & 0xffff) > 0x7fff) throw new BadFrame(`transaction ${first.transaction}`);
      continue;
    }
    if (first.unit !== expected.unit) throw new BadFrame(`answer of unit ${first.unit}, asked was ${expected.unit}`);
    return { pdu: first.pdu, rest: first.rest, late };
  }
  return undefined;
}

/** Whole frames that nobody waits for are dropped; what remains is the beginning of one. Throws `BadFrame`. */
export function dropTcp(bytes: Buffer): Buffer {
  let rest = bytes;
  for (let first = firstTcp(rest); first; first = firstTcp(rest)) rest = first.rest;
  return rest;
}

const startsWith = (bytes: Buffer, start: Buffer): boolean =>
  start.length > 0 && bytes.length >= start.length && bytes.subarray(0, start.length).equals(start);

const beginsLike = (bytes: Buffer, whole: Buffer): boolean =>
  bytes.length < whole.length && whole.subarray(0, bytes.length).equals(bytes);

/** Whether there is nothing but heartbeats, the last perhaps not whole. */
export function onlyHeartbeats(bytes: Buffer, heartbeats: readonly Buffer[]): boolean {
  if (bytes.length === 0) return true;
  return heartbeats.some(
    (one) =>
      beginsLike(bytes, one) || (startsWith(bytes, one) && onlyHeartbeats(bytes.subarray(one.length), heartbeats)),
  );
}

/** An answer at the very start of the bytes, undefined while it is not whole, or why it is none. */
function answerAtStart(bytes: Buffer, { unit, functionCode, length }: Expected): Unwrapped | string {
  if (bytes.length < 2)
    return bytes.length === 0 || bytes[0] === unit ? undefined : `answer of unit ${bytes[0]}, asked was ${unit}`;
  if (bytes[0] !== unit) return `answer of unit ${bytes[0]}, asked was ${unit}`;
  const isException = bytes[1] === (functionCode | 0x80);
  if (bytes[1] !== functionCode && !isException) return `answer to function ${bytes[1]}, asked was ${functionCode}`;
  const isRead = functionCode <= 4;
  if (!isException && isRead && bytes.length > 2 && bytes[2] !== length - 2)
    return `byte count ${bytes[2]}, ${length - 2} is due`;
  const end = 1 + (isException ? EXCEPTION_LENGTH : length);
  if (bytes.length < end + 2) return undefined;
  if (crc16(bytes.subarray(0, end)) !== bytes.readUInt16LE(end)) return 'the checksum is wrong';
  return { pdu: bytes.subarray(1, end), rest: bytes.subarray(end + 2) };
}

/**
 * An RTU answer. A request that comes back first is passed over, heartbeats before and after the answer too. Throws `BadFrame` for
 * everything else: nothing is searched for a frame that might lie within, since that might be another's.
 */
export function unwrapRtu(bytes: Buffer, expected: Expected): Unwrapped {
  const { sent, heartbeats, functionCode } = expected;
  // A write's answer is its request again: which it is, only a line that is known to echo can tell.
  const mayEcho = expected.echoes || functionCode <= 4;
  if (mayEcho && startsWith(bytes, sent)) {
    const after = unwrapRtu(bytes.subarray(sent.length), { ...expected, sent: Buffer.alloc(0), echoes: false });
    return after && { ...after, echoed: true };
  }
  if (mayEcho && sent.length > 0 && beginsLike(bytes, sent) && bytes.length > 0) return undefined;
  const answer = answerAtStart(bytes, expected);
  if (typeof answer === 'object') {
    if (onlyHeartbeats(answer.rest, heartbeats)) return { ...answer, rest: Buffer.alloc(0) };
    throw new BadFrame(`${answer.rest.length} bytes after the answer`);
  }
  // An answer may begin like a heartbeat: only what cannot become an answer is one.
  if (answer === undefined) return undefined;
  for (const one of heartbeats) if (startsWith(bytes, one)) return unwrapRtu(bytes.subarray(one.length), expected);
  if (heartbeats.some((one) => beginsLike(bytes, one))) return undefined;
  throw new BadFrame(answer);
}
