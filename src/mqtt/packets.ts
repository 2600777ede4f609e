/** As much of MQTT 3.1.1's framing as is needed to tell one packet from the next, without reading them. */

export const CONNECT = 0x10;
const PUBLISH = 0x30;
const TYPE = 0xf0;

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
  qos: number;
  /** 0 without a quality of service. */
  messageId: number;
  /** Where the payload begins. */
  payload: number;
}

export const isPublish = (first: number): boolean => (first & TYPE) === PUBLISH;

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
    /** All of it, to look at only. */
    peek: (): Buffer => gathered.subarray(0, length),
    /** All of it, once. */
    take(): Buffer {
      const all = gathered.subarray(0, length);
      gathered = Buffer.alloc(0);
      length = 0;
      return all;
    },
  };
}
