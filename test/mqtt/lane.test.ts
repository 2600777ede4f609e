import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { generate, type Packet } from 'mqtt-packet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLane } from '../../src/mqtt/lane.ts';
import { eventually } from '../helpers/temp.ts';

/** A connection's bytes, however they are cut: what is taken out of them, and what goes on to the broker. */

const LIMIT = 4_000;
const server = createServer();
let port = 0;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' && address ? address.port : 0;
});
afterAll(() => server.close());

interface Taken {
  topic: string;
  payload: string;
  bytes: number;
}

/** A real connection whose other end is a lane. */
async function open(take: () => Promise<void> = async () => undefined) {
  const client = connect(port, '127.0.0.1');
  client.on('error', () => undefined);
  const [socket]: Socket[] = await once(server, 'connection');
  if (!socket) throw new Error('no connection');
  const taken: Taken[] = [];
  let answered = Buffer.alloc(0);
  client.on('data', (chunk) => {
    answered = Buffer.concat([answered, chunk]);
  });
  /** The ids of the PUBACKs that came. */
  const acknowledged = () =>
    Array.from({ length: answered.length >> 2 }, (_, n) => {
      expect(answered.readUInt16BE(4 * n)).toBe(0x4002);
      return answered.readUInt16BE(4 * n + 2);
    });
  const passed: Buffer[] = [];
  let time = 0;
  const lane = createLane(
    socket,
    {
      maxPayload: LIMIT,
      take(topic, payload, bytes) {
        taken.push({ topic, payload: payload.toString(), bytes });
        return take();
      },
      failed: () => undefined,
    },
    () => time,
  );
  lane.stream.on('data', (chunk: Buffer) => passed.push(chunk));
  lane.stream.on('error', () => undefined);
  return {
    client,
    lane,
    taken,
    acknowledged,
    passed: () => Buffer.concat(passed),
    passTime: (ms: number) => {
      time += ms;
    },
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      if (!socket.closed) await once(socket, 'close');
    },
  };
}

const publish = (qos: 0 | 1 | 2, topic: string, payload: string, messageId = 1): Packet => ({
  cmd: 'publish',
  qos,
  topic,
  payload,
  messageId,
  dup: false,
  retain: false,
});

const packet = fc.oneof(
  fc
    .tuple(
      fc.constantFrom<0 | 1 | 2>(0, 1, 1, 1, 1, 2),
      fc.integer({ min: 0, max: 2 * LIMIT }),
      fc.integer({ min: 1, max: 65_535 }),
    )
    .map(([qos, length, id]): Packet => publish(length > LIMIT - 100 ? 1 : qos, `t/${id % 7}`, 'x'.repeat(length), id)),
  fc.constant<Packet>({ cmd: 'pingreq' }),
  fc.constant<Packet>({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic: 'a/b', qos: 1 }] }),
  fc.constant<Packet>({ cmd: 'puback', messageId: 3 }),
);

test('however packets are cut into pieces, each message is taken once and in order, and the rest goes on as it came', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(packet, { minLength: 1, maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 8 }),
      async (packets, sizes) => {
        await using at = await open();
        at.lane.open();
        const bytes = Buffer.concat(packets.map((one) => generate(one)));
        at.client.setNoDelay(true);
        for (let start = 0, turn = 0; start < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          at.client.write(bytes.subarray(start, start + size));
          start += size;
          if (turn % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        const isOurs = (one: Packet) => one.cmd === 'publish' && one.qos === 1;
        const expected = packets.flatMap((one) => {
          if (one.cmd !== 'publish' || one.qos !== 1) return [];
          const text = String(one.payload);
          return [{ topic: one.topic, payload: text.slice(0, LIMIT + 1_024), bytes: text.length, id: one.messageId }];
        });
        const others = Buffer.concat(packets.filter((one) => !isOurs(one)).map((one) => generate(one)));
        await eventually(() => at.taken.length === expected.length && at.passed().length === others.length);
        expect(at.passed().equals(others)).toBe(true);
        await eventually(() => at.acknowledged().length === expected.length);
        expect(at.acknowledged()).toEqual(expected.map(({ id }) => id));
        for (const [index, { topic, payload, bytes: length }] of expected.entries()) {
          const { payload: held, ...own } = at.taken[index] ?? { payload: '' };
          expect(own).toEqual({ topic, bytes: length });
          // Of one over the limit, the beginning.
          expect(length > LIMIT ? payload.startsWith(held) && held.length >= LIMIT : held === payload).toBe(true);
        }
      },
    ),
    { numRuns: 150 },
  );
}, 60_000);

test('until the client is known, everything goes on to the broker', async () => {
  await using at = await open();
  const bytes = generate(publish(1, 'a/b', 'hello'));
  at.client.write(bytes);
  await eventually(() => at.passed().length === bytes.length);
  expect(at.taken).toEqual([]);
});

test.each<[string, Buffer]>([
  [
    'announces 200 MB that are no message',
    Buffer.concat([Buffer.from([0x82, 0x80, 0x84, 0xaf, 0x5f]), Buffer.alloc(2_000)]),
  ],
  ['announces a length of five bytes', Buffer.from([0x32, 0xff, 0xff, 0xff, 0xff, 0x01])],
  [
    'announces 200 MB with a topic longer than any',
    Buffer.concat([Buffer.from([0x32, 0x80, 0x84, 0xaf, 0x5f, 0xff, 0xff]), Buffer.alloc(2_000)]),
  ],
])('a client that %s is cut off', async (_what, bytes) => {
  await using at = await open();
  at.lane.open();
  at.client.write(bytes);
  await once(at.client, 'close');
  expect(at.taken).toEqual([]);
});

test('a client whose message cannot be taken is cut off without an acknowledgement', async () => {
  await using at = await open(() => Promise.reject(new Error('full')));
  at.lane.open();
  at.client.write(generate(publish(1, 'a/b', 'hello')));
  await once(at.client, 'close');
  expect(at.acknowledged()).toEqual([]);
});

test('what waits to be taken has a limit: then the client is not read until some of it is', async () => {
  const waiting: (() => void)[] = [];
  await using at = await open(() => new Promise((resolve) => void waiting.push(resolve)));
  at.lane.open();
  const message = generate(publish(1, 'a/b', 'x'.repeat(3_000)));
  for (let n = 0; n < 5_000; n += 1) at.client.write(message);
  await eventually(() => at.lane.socket.isPaused());
  expect(at.taken.length).toBeLessThan(500);
  await eventually(() => {
    for (const release of waiting.splice(0)) release();
    return at.taken.length === 5_000;
  });
});

test('a client is silent after one and a half of the keep-alive that its CONNECT asked for, and the broker does not watch it', async () => {
  await using at = await open();
  const login = { cmd: 'connect', clientId: 'a', protocolVersion: 4, protocolId: 'MQTT', clean: true } as const;
  at.client.write(generate({ ...login, keepalive: 10 }));
  const unwatched = generate({ ...login, keepalive: 0 });
  await eventually(() => at.passed().length === unwatched.length);
  expect(at.passed()).toEqual(unwatched);
  at.passTime(15_000);
  expect(at.lane.isSilent()).toBe(false);
  at.passTime(1);
  expect(at.lane.isSilent()).toBe(true);
  at.client.write(generate({ cmd: 'pingreq' }));
  await eventually(() => !at.lane.isSilent());
});

test('a packet that the broker writes in pieces leaves whole, however full the connection is', async () => {
  await using at = await open();
  at.client.pause();
  const full = Buffer.alloc(16 << 20, '-');
  at.lane.socket.write(full);
  at.lane.stream.cork();
  at.lane.stream.write('one ');
  at.lane.stream.write('packet');
  at.lane.stream.uncork();
  at.lane.socket.write('!');
  let read = Buffer.alloc(0);
  let bytes = 0;
  at.client.on('data', (chunk) => {
    bytes += chunk.length;
    read = Buffer.concat([read, chunk]).subarray(-20);
  });
  at.client.resume();
  await eventually(() => bytes === full.length + 11);
  expect(read.toString()).toBe('---------one packet!');
});
