import type { Socket } from 'node:net';
import { type Greeting, readConnect } from './connect.ts';
import { CONNECT, createGatherer, frameAt } from './packets.ts';

/** The first packet of a connection, read before the broker, which would buffer one of any claimed length from anybody. */

/** A CONNECT with id, name, secret and will is far shorter. Bytes. */
const LONGEST_CONNECT = 4_096;

/** Where the CONNECT [MQTT-3.1.0-1] ends with which these bytes begin; undefined while that cannot be said, NaN when it is none, or too long. */
export function connectEnd(head: Buffer): number | undefined {
  if (head.length > 0 && head[0] !== CONNECT) return Number.NaN;
  const frame = frameAt(head, 0);
  if (!frame) return undefined;
  return frame.end - frame.body <= LONGEST_CONNECT ? frame.end : Number.NaN;
}

/**
 * Reads the CONNECT, and nothing beyond it: what has come with it is put back, and the socket is paused. A connection that begins with
 * anything else is cut; how long one may take is for the door to say.
 */
export function greet(socket: Socket, greeted: (greeting: Greeting) => void): void {
  const held = createGatherer();

  function read(chunk: Buffer): void {
    held.add(chunk);
    const end = connectEnd(held.peek());
    if (end === undefined || end > held.bytes()) return;
    socket.off('data', read);
    socket.pause();
    const bytes = held.take();
    if (Number.isNaN(end)) {
      greeted({ wrong: 'it begins with no CONNECT, or one over 4 KiB' });
      return;
    }
    const body = frameAt(bytes, 0)?.body ?? 0;
    if (bytes.length > end) socket.unshift(bytes.subarray(end));
    greeted(readConnect(bytes.subarray(body, end)));
  }

  socket.on('data', read);
}
