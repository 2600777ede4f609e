import { BadFrame, Refusal } from '../lines/question.ts';

/** Modbus requests and answers as bytes, without their frames: functions 01–06, 0F and 10. Pure. */

export type Table = 'holding' | 'input' | 'coil' | 'discrete';

/** Registers, or bits of `coil` and `discrete`. Addresses are zero-based, as on the wire. */
export interface ReadRequest {
  table: Table;
  address: number;
  count: number;
}

/** Words of holding registers, or coils as 0 and 1. `many` asks for function 10 or 0F also for a single one. */
export interface WriteRequest {
  table: 'holding' | 'coil';
  address: number;
  values: number[];
  many?: boolean;
}

export type Request = ReadRequest | WriteRequest;

/** Modbus exception codes 01–0B. */
export class ModbusException extends Refusal {
  readonly exceptionCode: number;
  constructor(exceptionCode: number) {
    const meaning = MEANINGS[exceptionCode];
    super(
      `Modbus exception ${exceptionCode.toString(16).padStart(2, '0').toUpperCase()}${meaning ? `: ${meaning}` : ''}`,
    );
    this.exceptionCode = exceptionCode;
  }
}

const MEANINGS: Record<number, string> = {
  1: 'function not supported',
  2: 'no such register',
  3: 'value not allowed',
  4: 'device failure',
  5: 'accepted, takes long',
  6: 'device is busy',
  8: 'memory parity error',
  10: 'gateway has no path',
  11: 'gateway got no answer from the device',
};

const READ_FUNCTIONS: Record<Table, number> = { coil: 1, discrete: 2, holding: 3, input: 4 };
/** By the standard; devices often take less. */
export const MOST_READ: Record<Table, number> = { coil: 2_000, discrete: 2_000, holding: 125, input: 125 };
const MOST_WRITTEN = { holding: 123, coil: 1_968 };
const COIL_ON = 0xff00;

export const isBits = (table: Table): boolean => table === 'coil' || table === 'discrete';

const isWrite = (request: Request): request is WriteRequest => 'values' in request;

const byteCount = (table: Table, count: number): number => (isBits(table) ? Math.ceil(count / 8) : 2 * count);

export function functionOf(request: Request): number {
  if (!isWrite(request)) return READ_FUNCTIONS[request.table];
  const many = request.many || request.values.length > 1;
  if (request.table === 'coil') return many ? 15 : 5;
  return many ? 16 : 6;
}

function checkLimits(request: Request): void {
  const count = isWrite(request) ? request.values.length : request.count;
  const most = isWrite(request) ? MOST_WRITTEN[request.table] : MOST_READ[request.table];
  const { address } = request;
  const fits = Number.isInteger(address) && address >= 0 && count >= 1 && count <= most && address + count <= 65_536;
  if (!fits) throw new RangeError(`${count} from ${request.table} ${address} is no Modbus request`);
}

function packBits(bits: number[]): Buffer {
  const packed = Buffer.alloc(Math.ceil(bits.length / 8));
  for (const [i, bit] of bits.entries()) if (bit) packed[i >> 3] = (packed[i >> 3] ?? 0) | (1 << (i & 7));
  return packed;
}

function packWords(words: number[]): Buffer {
  const packed = Buffer.alloc(2 * words.length);
  for (const [i, word] of words.entries()) packed.writeUInt16BE(word, 2 * i);
  return packed;
}

function head(functionCode: number, address: number, second: number): Buffer {
  const pdu = Buffer.alloc(5);
  pdu.writeUInt8(functionCode, 0);
  pdu.writeUInt16BE(address, 1);
  pdu.writeUInt16BE(second, 3);
  return pdu;
}

/** Throws RangeError for what no device may be asked. */
export function requestPdu(request: Request): Buffer {
  checkLimits(request);
  const functionCode = functionOf(request);
  const { address } = request;
  if (!isWrite(request)) return head(functionCode, address, request.count);
  const [first = 0] = request.values;
  if (functionCode === 5) return head(functionCode, address, first ? COIL_ON : 0);
  if (functionCode === 6) return head(functionCode, address, first);
  const data = request.table === 'coil' ? packBits(request.values) : packWords(request.values);
  return Buffer.concat([head(functionCode, address, request.values.length), Buffer.of(data.length), data]);
}

/** Bytes of the answer, when it is no exception. */
export const answerLength = (request: Request): number =>
  isWrite(request) ? 5 : 2 + byteCount(request.table, request.count);

/** The registers or bits that were read, nothing for a write. Throws `ModbusException`, or `BadFrame` for another's answer. */
export function readAnswer(request: Request, pdu: Buffer): number[] {
  const functionCode = functionOf(request);
  const [first, second = 0] = pdu;
  if (first === (functionCode | 0x80) && pdu.length === 2) throw new ModbusException(second);
  if (first !== functionCode) throw new BadFrame(`answer to function ${first}, asked was ${functionCode}`);
  if (pdu.length !== answerLength(request))
    throw new BadFrame(`answer of ${pdu.length} bytes, ${answerLength(request)} are due`);
  if (isWrite(request)) {
    if (!pdu.equals(requestPdu(request).subarray(0, 5))) throw new BadFrame('another write was answered');
    return [];
  }
  const { table, count } = request;
  if (second !== byteCount(table, count)) throw new BadFrame(`byte count ${second}, ${byteCount(table, count)} is due`);
  if (isBits(table)) return Array.from({ length: count }, (_, i) => ((pdu[2 + (i >> 3)] ?? 0) >> (i & 7)) & 1);
  return Array.from({ length: count }, (_, i) => pdu.readUInt16BE(2 + 2 * i));
}
