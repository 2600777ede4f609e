/** As much of MQTT 3.1.1's framing as is needed to tell one packet from the next, without reading them. */

export const CONNECT = 0x10;
const PUBLISH = 0x30;
const TYPE = 0xf0;
const QOS = 0x06;
const QOS_1 = 0x02;

/** Where a packet that begins at `at` ends, and where what follows its fixed header begins; undefined while too few bytes are there. */
export interface Frame {
  body: number;
  end: number;
}

/**
 * The length is 7 bits a byte, the lowest first, in at most four bytes [MQTT-2.2.3]. Undefined while too few have come; `end` is NaN for
 * a length that goes on.
 */
export function frameAt(data: Buffer, at: number): Frame | undefined {
  let length = 0;
  for (let index = 1; index <= 4; index += 1) {
    const byte = data[at + index];
    if (byte === undefined) return undefined;
    length += (byte & 127) * 128 ** (index - 1);
    if (byte < 128) return { body: at + index + 1, end: at + index + 1 + length };
  }
  return { body: at + 5, end: Number.NaN };
}

export interface Published {
  topic: string;
  messageId: number;
  /** Where the payload begins. */
  payload: number;
}

/** A PUBLISH with QoS 1 [MQTT 3.3] of which at least the topic and the message id are there; undefined for everything else. */
export function publishedAt(data: Buffer, at: number, body: number): Published | undefined {
  const first = data[at] ?? 0;
  if ((first & TYPE) !== PUBLISH || (first & QOS) !== QOS_1 || body + 2 > data.length) return undefined;
  const topicEnd = body + 2 + data.readUInt16BE(body);
  if (topicEnd + 2 > data.length) return undefined;
  const messageId = data.readUInt16BE(topicEnd);
  return { topic: data.toString('latin1', body + 2, topicEnd), messageId, payload: topicEnd + 2 };
}

/**
 * Takes the keep-alive out of a CONNECT, in place, and tells it in seconds; 0 where there is none. It stands after the protocol's name,
 * its level and the flags [MQTT-3.1.2.10].
 */
export function takeKeepAlive(data: Buffer, { body, end }: Frame): number {
  if (body + 2 > data.length) return 0;
  const at = body + 2 + data.readUInt16BE(body) + 2;
  if (at + 2 > end || at + 2 > data.length) return 0;
  const seconds = data.readUInt16BE(at);
  data.writeUInt16BE(0, at);
  return seconds;
}

/** Puts pieces together, however small they are, without copying what is there each time. */
export function createGatherer() {
  let gathered = Buffer.alloc(0);
  let length = 0;
  return {
    bytes: (): number => length,
    add(piece: Buffer): void {
      if (length + piece.length > gathered.length) {
        gathered = Buffer.concat([gathered.subarray(0, length)], Math.max(2 * gathered.length, length + piece.length));
      }
      piece.copy(gathered, length);
      length += piece.length;
    },
    /** All of it, once. */
    take(): Buffer {
      const all = gathered.subarray(0, length);
      gathered = Buffer.alloc(0);
      length = 0;
      return all;
    },
  };
}
