import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { generate, type Packet } from 'mqtt-packet';
import { loginPacket } from '../helpers/login.ts';
import { randomOf } from '../helpers/random.ts';

/** Sends packets that are nearly right to the MQTT port, over many connections of terminals that have logged in, and of strangers. */

export interface FuzzTarget {
  port: number;
  terminals: { id: string; secret: string }[];
}

const AT_ONCE = 50;
const PACKETS_A_CONNECTION = 25;

function createSource(seed: number, { terminals }: FuzzTarget) {
  const random = randomOf(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const oneOf = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const id = () => below(65_536);

  const topics = () => {
    const own = oneOf(terminals).id;
    return oneOf([
      `terminals/${own}/readings`,
      `terminals/${own}/commands`,
      '#',
      '+/+/readings',
      '',
      '$SYS/x',
      `/${own}`,
      'a\0b',
    ]);
  };
  const payload = () =>
    oneOf([
      '{}',
      '[',
      '{"time":1,"values":{}}',
      `{"time":${Date.now()},"values":{"room_c":${below(99)}}}`,
      '\0'.repeat(below(300)),
    ]);

  const wellFormed = (): Packet =>
    oneOf<() => Packet>([
      () => ({
        cmd: 'publish',
        topic: topics() || 'x',
        payload: payload(),
        qos: oneOf([0, 1, 2]),
        messageId: 1 + below(65_535),
        dup: false,
        retain: random() < 0.2,
      }),
      () => ({
        cmd: 'subscribe',
        messageId: 1 + below(65_535),
        subscriptions: [{ topic: topics(), qos: oneOf([0, 1, 2]) }],
      }),
      () => ({ cmd: 'unsubscribe', messageId: 1 + below(65_535), unsubscriptions: [topics()] }),
      () => ({ cmd: oneOf(['puback', 'pubrec', 'pubrel', 'pubcomp'] as const), messageId: id() }),
      () => ({ cmd: oneOf(['pingreq', 'disconnect'] as const) }),
    ])();

  /** A bit flipped, a byte set, cut, doubled, a length that lies, or left as it is. */
  function mutated(packet: Buffer): Buffer {
    const bytes = Buffer.from(packet);
    const at = below(bytes.length);
    switch (below(7)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
        return bytes;
      case 1:
        bytes[at] = below(256);
        return bytes;
      case 2:
        return bytes.subarray(0, at);
      case 3:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(below(at + 1))]);
      case 4:
        return Buffer.concat([bytes.subarray(0, 1), Buffer.from([255, 255, 255, below(128)]), bytes.subarray(2)]);
      case 5:
        bytes[1] = below(128);
        return bytes;
      default:
        return bytes;
    }
  }

  function packet(): Buffer {
    try {
      return mutated(generate(wellFormed()));
    } catch {
      // The generator refuses some topics that a fuzzer likes.
      return Buffer.from([0x30 | below(16), 3, 0, 1, below(256)]);
    }
  }

  return {
    /** What one connection sends. */
    stream(): Buffer {
      const { id: name, secret } = oneOf(terminals);
      const login = loginPacket(name, secret);
      return Buffer.concat([
        random() < 0.1 ? mutated(login) : login,
        ...Array.from({ length: PACKETS_A_CONNECTION }, packet),
      ]);
    },
  };
}

async function send(port: number, bytes: Buffer): Promise<void> {
  const socket: Socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  // One that is not cut, as it waits for more, is ended.
  socket.end(bytes);
  if (!socket.closed) await once(socket, 'close').catch(() => undefined);
}

/** Resolves when all are sent and every connection has ended. */
export async function fuzz(target: FuzzTarget, { packets, seed }: { packets: number; seed: number }): Promise<void> {
  const source = createSource(seed, target);
  let left = Math.ceil(packets / PACKETS_A_CONNECTION);
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await send(target.port, source.stream());
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
