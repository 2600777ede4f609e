import type { Socket } from 'node:net';
import { CONNECT, frameAt } from './packets.ts';

/** What stands between the open port and the broker, which would buffer a packet of any claimed length from anybody. */

/** A CONNECT with id, name, secret and will is far shorter. Bytes. */
const LONGEST_CONNECT = 4_096;

/** Whether the first bytes announce a CONNECT [MQTT-3.1.0-1] of a sane length; undefined while too few have come. */
export function announcesConnect(head: Buffer): boolean | undefined {
  if (head.length > 0 && head[0] !== CONNECT) return false;
  const frame = frameAt(head, 0);
  return frame && frame.end - frame.body <= LONGEST_CONNECT;
}

/** Hands the socket to `accept`, with all its bytes, once it has announced a CONNECT; otherwise cuts it. */
export function admit(socket: Socket, timeoutMs: number, accept: (socket: Socket) => void): void {
  const parts: Buffer[] = [];
  const cut = () => socket.destroy();
  const look = () => {
    const chunk: unknown = socket.read();
    if (!Buffer.isBuffer(chunk)) return;
    parts.push(chunk);
    const head = Buffer.concat(parts);
    const announced = announcesConnect(head);
    if (announced === undefined) return;
    socket.off('readable', look);
    socket.setTimeout(0);
    socket.off('timeout', cut);
    if (announced) {
      socket.unshift(head);
      accept(socket);
    } else socket.destroy();
  };
  socket.setTimeout(timeoutMs);
  socket.on('timeout', cut);
  // A connection that breaks before the broker has it is nobody's trouble.
  socket.on('error', () => undefined);
  socket.on('readable', look);
}
