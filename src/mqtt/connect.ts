import { isUtf8 } from 'node:buffer';
import { CONNECT } from './packets.ts';

/** The first packet of a connection [MQTT 3.1], read to the letter before the broker sees anything. */

/** Topic, payload and quality of service of what is published when the connection breaks. */
interface Will {
  topic: string;
  payload: Buffer;
  qos: number;
}

export interface Connect {
  clientId: string;
  /** False for a session that outlives the connection. */
  clean: boolean;
  /** Seconds; 0 for none. */
  keepAliveS: number;
  username: string | undefined;
  password: Buffer | undefined;
  will: Will | undefined;
}

/** CONNACK return codes [MQTT-3.2.2.3]. */
export const RETURN_CODES = {
  unacceptable_protocol: 1,
  identifier_rejected: 2,
  unavailable: 3,
  bad_credentials: 4,
  not_authorized: 5,
} as const;
export type ReturnCode = (typeof RETURN_CODES)[keyof typeof RETURN_CODES];

/** What the client asks for, or what is wrong: answered with a code, or, where the standard wants no answer, with none. */
export type Greeting = { connect: Connect } | { wrong: string; returnCode?: ReturnCode };

/** By protocol name, the level that we speak: 3.1.1, and 3.1, which differs in nothing that matters here. */
const LEVELS: Record<string, number> = { MQTT: 4, MQIsdp: 3 };

/** Reads fields one after the other; one that is not whole or not as it should be ends the reading. */
function createFields(body: Buffer) {
  let at = 0;
  const short = () => new RangeError('it ends in the middle of a field');

  function bytes(count: number): Buffer {
    if (at + count > body.length) throw short();
    at += count;
    return body.subarray(at - count, at);
  }
  const number = (): number => bytes(2).readUInt16BE();
  const binary = (): Buffer => bytes(number());
  return {
    byte: (): number => bytes(1).readUInt8(),
    number,
    binary,
    /** Well-formed UTF-8 without U+0000 [MQTT-1.5.3-1, MQTT-1.5.3-2]. */
    text(): string {
      const read = binary();
      if (!isUtf8(read) || read.includes(0)) throw new RangeError('a string is no UTF-8');
      return read.toString('utf8');
    },
    isRead: (): boolean => at === body.length,
  };
}

function flagsFault(flags: number): string | undefined {
  const will = (flags & 0x04) !== 0;
  const willQos = (flags >> 3) & 3;
  if (flags & 0x01) return 'its reserved flag is set [MQTT-3.1.2-3]';
  if (willQos === 3) return 'the will’s quality of service is 3 [MQTT-3.1.2-14]';
  if (!will && flags & 0x38) return 'it has flags of a will without one [MQTT-3.1.2-13, MQTT-3.1.2-15]';
  if (!(flags & 0x80) && flags & 0x40) return 'it has a password without a user name [MQTT-3.1.2-22]';
  return undefined;
}

function readFields(body: Buffer): Greeting {
  const fields = createFields(body);
  const level = LEVELS[fields.text()];
  if (level === undefined) return { wrong: 'it names another protocol [MQTT-3.1.2-1]' };
  const asked = fields.byte();
  // MQTT 5 as well: its clients take this answer, and come back with 3.1.1 [MQTT-3.1.2-2].
  if (asked !== level) return { wrong: `level ${asked} is not spoken`, returnCode: RETURN_CODES.unacceptable_protocol };
  const flags = fields.byte();
  const fault = flagsFault(flags);
  if (fault) return { wrong: fault };
  const clean = (flags & 0x02) !== 0;
  const keepAliveS = fields.number();
  const clientId = fields.text();
  // A broken device may ask for retaining its will; nothing is retained here, so the flag means nothing.
  const will = flags & 0x04 ? { topic: fields.text(), payload: fields.binary(), qos: (flags & 0x18) >> 3 } : undefined;
  const username = flags & 0x80 ? fields.text() : undefined;
  const password = flags & 0x40 ? fields.binary() : undefined;
  if (!fields.isRead()) return { wrong: 'something follows its last field' };
  return { connect: { clientId, clean, keepAliveS, username, password, will } };
}

/** Reads what follows the fixed header of a CONNECT. */
export function readConnect(body: Buffer): Greeting {
  try {
    return readFields(body);
  } catch (error) {
    if (error instanceof RangeError) return { wrong: error.message };
    throw error;
  }
}

function field(bytes: Buffer | string): Buffer {
  const content = Buffer.from(bytes);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(content.length);
  return Buffer.concat([length, content]);
}

/** The CONNECT with which the broker is told of a client that is known already: by its terminal id, without keep-alive and secret. */
export function writeConnect(terminalId: string, { clean, will }: Connect): Buffer {
  const flags = (clean ? 0x02 : 0) | (will ? 0x04 | (will.qos << 3) : 0);
  const body = Buffer.concat([
    field('MQTT'),
    Buffer.from([4, flags, 0, 0]),
    field(terminalId),
    ...(will ? [field(will.topic), field(will.payload)] : []),
  ]);
  // At most some 4 KiB, so that two bytes tell the length.
  return Buffer.concat([Buffer.from([CONNECT, (body.length & 127) | 128, body.length >> 7]), body]);
}

export const connack = (returnCode: ReturnCode): Buffer => Buffer.from([0x20, 2, 0, returnCode]);
