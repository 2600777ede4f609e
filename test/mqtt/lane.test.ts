import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { generate, type Packet } from 'mqtt-packet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createLane } from '../../src/mqtt/lane.ts';
import { createReceipts } from '../../src/mqtt/receipts.ts';
import { eventually } from '../helpers/temp.ts';

/** A connection's bytes, however they are cut: what is taken out of them, and what goes on to the broker. */

const LIMIT = 4_000;
const NAMES: Record<number, string> = { 16386: 'puback', 20482: 'pubrec', 28674: 'pubcomp' };
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
async function open(take: () => Promise<void> = async () => undefined, wait = () => 0) {
  const client = connect(port, '127.0.0.1');
  client.on('error', () => undefined);
  const [socket]: Socket[] = await once(server, 'connection');
  if (!socket) throw new Error('no connection');
  const taken: Taken[] = [];
  let answered = Buffer.alloc(0);
  client.on('data', (chunk) => {
    answered = Buffer.concat([answered, chunk]);
  });
  /** What was acknowledged, and how. */
  const acknowledged = () =>
    Array.from({ length: answered.length >> 2 }, (_, n) => {
      const name = NAMES[answered.readUInt16BE(4 * n)];
      return `${name} ${answered.readUInt16BE(4 * n + 2)}`;
    });
  const passed: Buffer[] = [];
  let time = 0;
  const faults: string[] = [];
  const lane = createLane(socket, {
    maxPayload: LIMIT,
    keepAliveS: 10,
    receipts: createReceipts(),
    take(topic, payload, bytes) {
      taken.push({ topic, payload: payload.toString(), bytes });
      return take();
    },
    failed: () => undefined,
    malformed: (detail) => faults.push(detail),
    spend: () => wait(),
    clock: { ...systemClock, ticks: () => time },
  });
  lane.stream.on('data', (chunk: Buffer) => passed.push(chunk));
  lane.stream.on('error', () => undefined);
  return {
    client,
    lane,
    taken,
    faults,
    acknowledged,
    passed: () => Buffer.concat(passed),
    passTime: (ms: number) => {
      time += ms;
    },
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
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
        const expected = packets.flatMap((one) => {
          if (one.cmd !== 'publish') return [];
          const text = String(one.payload);
          return [{ topic: one.topic, payload: text.slice(0, LIMIT + 1_024), bytes: text.length }];
        });
        const answers = packets.flatMap((one) => {
          if (one.cmd !== 'publish' || one.qos === 0) return [];
          return [`${one.qos === 1 ? 'puback' : 'pubrec'} ${one.messageId}`];
        });
        const others = Buffer.concat(packets.filter(({ cmd }) => cmd !== 'publish').map((one) => generate(one)));
        await eventually(() => at.taken.length === expected.length && at.passed().length === others.length);
        expect(at.passed().equals(others)).toBe(true);
        await eventually(() => at.acknowledged().length === answers.length);
        expect(at.acknowledged()).toEqual(answers);
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

test('until its login is answered, a client is not read, so that nothing is answered before it', async () => {
  await using at = await open();
  const bytes = Buffer.concat([generate(publish(1, 'a/b', 'hello')), generate({ cmd: 'pingreq' })]);
  await new Promise((resolve) => at.client.write(bytes, resolve));
  // Another connection's bytes, sent later, have come: so have these.
  await using other = await open();
  other.lane.open();
  other.client.write(generate({ cmd: 'pingreq' }));
  await eventually(() => other.passed().length === 2);
  expect([at.taken, at.passed().length]).toEqual([[], 0]);
  at.lane.open();
  await eventually(() => at.acknowledged().length === 1 && at.passed().length === 2);
});

describe('a message with QoS 2', () => {
  test('that comes again before its end is confirmed is acknowledged again and taken once', async () => {
    await using at = await open();
    at.lane.open();
    at.client.write(generate(publish(2, 'a/b', 'hello', 7)));
    at.client.write(generate(publish(2, 'a/b', 'hello', 7)));
    at.client.write(generate({ cmd: 'pubrel', messageId: 7 }));
    at.client.write(generate(publish(2, 'a/b', 'another', 7)));
    await eventually(() => at.acknowledged().length === 4);
    expect(at.acknowledged().toSorted()).toEqual(['pubcomp 7', 'pubrec 7', 'pubrec 7', 'pubrec 7']);
    expect(at.taken.map(({ payload }) => payload)).toEqual(['hello', 'another']);
  });

  test('that could not be taken is not acknowledged, and is taken when it comes again', async () => {
    const receipts = createReceipts();
    await expect(receipts.once(1, () => Promise.reject(new Error('full')))).rejects.toThrow('full');
    let taken = 0;
    await receipts.once(1, async () => void taken++);
    expect(taken).toBe(1);
  });

  test('is one of a hundred at most; a client that begins more before they are taken is cut off', async () => {
    await using at = await open(() => new Promise(() => undefined));
    at.lane.open();
    for (let id = 1; id <= 101; id += 1) at.client.write(generate(publish(2, 'a/b', 'x', id)));
    await once(at.client, 'close');
    expect(at.taken.length).toBe(100);
  });

  test('whose end a device has forgotten makes place for new ones', async () => {
    await using at = await open();
    at.lane.open();
    for (const [from, to] of [
      [1, 100],
      [101, 150],
    ] as const) {
      for (let id = from; id <= to; id += 1) at.client.write(generate(publish(2, 'a/b', 'x', id)));
      await eventually(() => at.acknowledged().length === to);
    }
    expect(at.taken.length).toBe(150);
  });
});

test('a client that sends more than it may is not read until it is even, and loses nothing', async () => {
  let wait = 60;
  await using at = await open(undefined, () => wait);
  at.lane.open();
  at.client.write(generate(publish(1, 'a/b', 'one', 1)));
  await eventually(() => at.lane.socket.isPaused());
  at.client.write(generate(publish(1, 'a/b', 'two', 2)));
  wait = 0;
  await eventually(() => at.acknowledged().length === 2);
  expect(at.lane.socket.isPaused()).toBe(false);
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
  expect(at.faults.length).toBe(1);
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

test('a client is silent after one and a half of its keep-alive', async () => {
  await using at = await open();
  at.lane.open();
  at.passTime(15_000);
  expect(at.lane.isSilent()).toBe(false);
  at.passTime(1);
  expect(at.lane.isSilent()).toBe(true);
  at.client.write(generate({ cmd: 'pingreq' }));
  await eventually(() => !at.lane.isSilent());
});

test('a client that takes nothing of what is written to it is frozen after two seconds', async () => {
  await using at = await open();
  at.lane.open();
  at.client.pause();
  at.lane.socket.write(Buffer.alloc(16 << 20, '-'));
  expect(at.lane.isFrozen()).toBe(false);
  at.passTime(1_999);
  expect(at.lane.isFrozen()).toBe(false);
  at.passTime(1);
  expect(at.lane.isFrozen()).toBe(true);
  at.client.resume();
  await once(at.lane.socket, 'drain');
  expect(at.lane.isFrozen()).toBe(false);
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
