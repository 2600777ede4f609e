import type { Socket } from 'node:net';
import { isIPv6 } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { type Bucket, createBucket } from '../lib/limits.ts';

/** Who stands at the port: every socket from its first moment, how many come from one address, and who has not said yet who they are. */

export interface DoorLimits {
  /** Open sockets, of all and of one address. */
  connections: number;
  connectionsPerAddress: number;
  /** New sockets of one address, with a minute's worth at once. */
  connectsPerSecond: number;
  /** Sockets that have not said who they are. When one more comes, the one that has stood longest is cut. */
  waiting: number;
  /** How long one may stand so. Milliseconds. */
  loginMs: number;
}

/** A socket that has not said yet who it is. */
interface Stranger {
  socket: Socket;
  since: number;
}

/** One customer of a network has a whole IPv6 prefix of 64 bits, so that is what counts as an address. */
export function addressOf(remote: string | undefined): string {
  const address = (remote ?? '').replace(/^::ffff:(?=\d+\.)/, '');
  if (!isIPv6(address)) return address;
  const [head = '', tail = ''] = address.split('::');
  const before = head.split(':').filter(Boolean);
  const after = tail.split(':').filter(Boolean);
  const groups = [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after];
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** A TLS socket has the same ends as the one below it. */
const endsOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort} ${socket.localPort}`;

export function createDoor(limits: DoorLimits, parts: { clock: Clock; tooMany: (address: string) => void }) {
  const { clock, tooMany } = parts;
  const sockets = new Set<Socket>();
  const waiting = new Map<string, Stranger>();
  const addresses = new Map<string, { open: number; arrivals: Bucket }>();

  function addressBook(address: string) {
    const known = addresses.get(address);
    if (known) return known;
    const perSecond = limits.connectsPerSecond;
    const fresh = { open: 0, arrivals: createBucket({ perSecond, burst: perSecond * 60 }, clock.ticks) };
    addresses.set(address, fresh);
    return fresh;
  }

  function cutOldestWaiting(): void {
    for (const [key, { socket }] of waiting) {
      if (waiting.size <= limits.waiting) return;
      waiting.delete(key);
      tooMany(addressOf(socket.remoteAddress));
      socket.destroy();
    }
  }

  return {
    /** Counts a socket; one that is too many is cut. */
    enter(socket: Socket): void {
      // A connection that breaks before anybody has it is nobody's trouble.
      socket.on('error', () => undefined);
      if (socket.remoteAddress === undefined) return void socket.destroy();
      const address = addressOf(socket.remoteAddress);
      const book = addressBook(address);
      const isFull = sockets.size >= limits.connections || book.open >= limits.connectionsPerAddress;
      if (!book.arrivals.take() || isFull) {
        tooMany(address);
        return void socket.destroy();
      }
      const ends = endsOf(socket);
      sockets.add(socket);
      book.open += 1;
      waiting.set(ends, { socket, since: clock.ticks() });
      socket.setNoDelay(true);
      socket.on('close', () => {
        sockets.delete(socket);
        book.open -= 1;
        if (waiting.get(ends)?.socket === socket) waiting.delete(ends);
      });
      cutOldestWaiting();
    },

    /** It has said who it is. */
    isKnown: (socket: Socket): void => void waiting.delete(endsOf(socket)),

    /** Cuts those that have stood too long, and forgets addresses from which nobody comes. */
    sweep(): void {
      const now = clock.ticks();
      for (const { socket, since } of waiting.values()) {
        if (now - since < limits.loginMs) break;
        socket.destroy();
      }
      for (const [address, { open, arrivals }] of addresses) {
        if (open === 0 && arrivals.isFull()) addresses.delete(address);
      }
    },

    open: (): number => sockets.size,
    closeAll(): void {
      for (const socket of sockets) socket.destroy();
    },
  };
}
