import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { generate, type IConnackPacket, type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import { type Clock, every } from '../../lib/clock.ts';
import { createAcknowledgements, PUBACK } from '../acknowledge.ts';

/**
 * One connection to an MQTT 5 broker. Messages are taken many at a time and acknowledged in the order in which they came [MQTT-4.6.0-2];
 * when one cannot be taken, nothing after it is acknowledged and the connection ends, so that the broker gives them again.
 */

export interface LinkOptions {
  host: string;
  port: number;
  /** Undefined without TLS. */
  tls?: { ca?: Buffer; cert?: Buffer; key?: Buffer } | undefined;
  username?: string | undefined;
  password?: string | undefined;
  clientId: string;
  /** How long the broker keeps the session when the connection is gone. Seconds. */
  sessionExpiryS: number;
  /** Messages that the broker may give before they are acknowledged. */
  receiveMaximum: number;
  keepAliveS: number;
}

export interface LinkParts {
  clock: Clock;
  /** Resolves when the message may be acknowledged. */
  take(topic: string, payload: Buffer): Promise<void>;
  /** A message without acknowledgement. */
  hear(topic: string, payload: Buffer): void;
}

const CONNECT_MS = 10_000;
const ANSWER_MS = 10_000;
const END_MS = 1_000;
/** A message of any length that a broker may give; longer ones it drops. Bytes. */
const LONGEST_PACKET = 16_777_216;
/** What a broker that does not read may leave on our side. Bytes. */
const MOST_UNREAD = 8_388_608;
const MOST_UNREAD_UNSURE = 1_048_576;
const MOST_IDS = 65_535;
/** Reason codes from here on are failures. */
const FAILURE = 0x80;
export const NO_MATCHING_SUBSCRIBERS = 0x10;
export const SESSION_TAKEN_OVER = 0x8e;

const V5 = { protocolVersion: 5 } as const;

/** The broker says no, or ended the connection. `code` is its reason [MQTT-2.4]. */
export class BrokerError extends Error {
  readonly code: number;

  constructor(what: string, code: number) {
    super(`${what} (reason code 0x${code.toString(16)})`);
    this.name = 'BrokerError';
    this.code = code;
  }
}

async function openSocket({ host, port, tls }: LinkOptions): Promise<Socket> {
  const socket = tls ? connectTls({ host, port, servername: host, ...tls }) : connectTcp({ host, port });
  try {
    await once(socket, tls ? 'secureConnect' : 'connect', { signal: AbortSignal.timeout(CONNECT_MS) });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  socket.setNoDelay(true);
  return socket;
}

const bytesOf = ({ payload }: IPublishPacket): Buffer => (Buffer.isBuffer(payload) ? payload : Buffer.from(payload));

/** Resolves when the broker has accepted the login; rejects with why not. Dispose cuts the connection. */
export async function openLink(options: LinkOptions, { clock, take, hear }: LinkParts) {
  const { clientId, username, password, keepAliveS, receiveMaximum, sessionExpiryS } = options;
  const socket = await openSocket(options);
  const ended = Promise.withResolvers<Error>();
  const login = Promise.withResolvers<boolean>();
  /** What waits for an answer of the broker, by message id. */
  const asked = new Map<number, PromiseWithResolvers<number[]>>();
  /** Who waits until the broker takes more. */
  const queue: (() => void)[] = [];
  let mayAsk = MOST_IDS;
  let lastId = 0;
  let heardAt = clock.ticks();
  let takenAt = clock.ticks();
  let reason: Error | undefined;

  const acknowledgements = createAcknowledgements(socket, flow, MOST_UNREAD);

  /** Some brokers give more than they may when a session goes on. */
  function flow(): void {
    const full = acknowledgements.waiting() > receiveMaximum;
    if (full !== socket.isPaused()) full ? socket.pause() : socket.resume();
  }

  const write = (packet: Packet) => void socket.write(generate(packet, V5));

  function fail(error: Error): void {
    reason ??= error;
    socket.destroy();
  }

  function takeOne(packet: IPublishPacket): void {
    const acknowledge = acknowledgements.expect(PUBACK, packet.messageId ?? 0);
    takenAt = clock.ticks();
    flow();
    take(packet.topic, bytesOf(packet)).then(acknowledge, (error) =>
      fail(error instanceof Error ? error : new Error(String(error))),
    );
  }

  function settle(messageId: number, codes: number[]): void {
    const waiting = asked.get(messageId);
    asked.delete(messageId);
    queue.shift()?.();
    waiting?.resolve(codes);
  }

  function welcome({ reasonCode = 0, sessionPresent, properties }: IConnackPacket): void {
    mayAsk = properties?.receiveMaximum ?? MOST_IDS;
    if (reasonCode < FAILURE) login.resolve(sessionPresent);
    else fail(new BrokerError('the broker refused the login', reasonCode));
  }

  function receive(packet: Packet): void {
    heardAt = clock.ticks();
    if (packet.cmd === 'publish' && packet.qos === 1) takeOne(packet);
    else if (packet.cmd === 'publish') hear(packet.topic, bytesOf(packet));
    else if (packet.cmd === 'puback') settle(packet.messageId ?? 0, [packet.reasonCode ?? 0]);
    else if (packet.cmd === 'suback' || packet.cmd === 'unsuback')
      settle(packet.messageId ?? 0, packet.granted.map(Number));
    else if (packet.cmd === 'connack') welcome(packet);
    else if (packet.cmd === 'disconnect')
      fail(new BrokerError('the broker ended the connection', packet.reasonCode ?? 0));
  }

  const packets = parser(V5);
  packets.on('packet', receive);
  packets.on('error', fail);
  socket.on('data', (data) => packets.parse(data));
  socket.on('error', fail);
  const beats = every(
    clock,
    keepAliveS * 500,
    () => {
      if (socket.isPaused()) heardAt = clock.ticks();
      if (clock.ticks() - heardAt > keepAliveS * 1_500) fail(new Error('the broker is silent'));
      else write({ cmd: 'pingreq' });
    },
    () => undefined,
  );
  socket.on('close', () => {
    beats[Symbol.dispose]();
    const why = reason ?? new Error('the connection to the broker ended');
    login.reject(why);
    for (const { reject } of asked.values()) reject(why);
    asked.clear();
    for (const go of queue.splice(0)) go();
    ended.resolve(why);
  });

  /** Sends what the broker answers; its answers are in the order of the request. */
  async function ask(packetOf: (messageId: number) => Packet): Promise<number[]> {
    const timeout = Promise.withResolvers<never>();
    using _timer = clock.after(ANSWER_MS, () => timeout.reject(new Error('the broker gave no answer')));
    while (asked.size >= mayAsk) await Promise.race([new Promise<void>((go) => queue.push(go)), timeout.promise]);
    if (!socket.writable) throw reason ?? new Error('there is no connection to the broker');
    do lastId = (lastId % MOST_IDS) + 1;
    while (asked.has(lastId));
    const answer = Promise.withResolvers<number[]>();
    asked.set(lastId, answer);
    write(packetOf(lastId));
    return Promise.race([answer.promise, timeout.promise]);
  }

  write({
    cmd: 'connect',
    protocolId: 'MQTT',
    ...V5,
    clientId,
    clean: false,
    keepalive: keepAliveS,
    ...(username && { username }),
    ...(password && { password: Buffer.from(password) }),
    properties: { sessionExpiryInterval: sessionExpiryS, receiveMaximum, maximumPacketSize: LONGEST_PACKET },
  });
  const tooLate = clock.after(CONNECT_MS, () => fail(new Error('the broker did not answer the login')));
  const sessionPresent = await login.promise.finally(() => tooLate[Symbol.dispose]());

  return {
    /** Whether the broker had kept the session. */
    sessionPresent,
    /** Resolves with why, when the connection has ended. */
    ended: ended.promise,
    /** For how long no message has come and none waits to be acknowledged; 0 otherwise. Milliseconds. */
    idleMs: (): number => (acknowledgements.waiting() > 0 ? 0 : clock.ticks() - takenAt),
    waiting: (): number => acknowledgements.waiting(),

    /** With QoS as given, not what was retained. Rejects when the broker refuses one. */
    async subscribe(filters: { topic: string; qos: 0 | 1 }[]): Promise<void> {
      const subscriptions = filters.map((filter) => ({ ...filter, nl: true, rap: false, rh: 2 as const }));
      // No Local is an error on a shared subscription [MQTT-3.8.3-4].
      for (const one of subscriptions) if (one.topic.startsWith('$share/')) one.nl = false;
      const codes = await ask((messageId) => ({ cmd: 'subscribe', messageId, subscriptions }));
      const refused = codes.findIndex((code) => code >= FAILURE);
      if (refused >= 0) throw new BrokerError(`the broker refused ${filters[refused]?.topic}`, codes[refused] ?? 0);
    },

    async unsubscribe(topics: string[]): Promise<void> {
      await ask((messageId) => ({ cmd: 'unsubscribe', messageId, unsubscriptions: topics }));
    },

    /** The broker's reason code; rejects when it gave none. */
    async publish(topic: string, payload: string | Buffer, expiryS: number): Promise<number> {
      const properties = { messageExpiryInterval: expiryS };
      const common = { cmd: 'publish', qos: 1, dup: false, retain: false } as const;
      const [code = 0] = await ask((messageId) => ({ ...common, topic, payload, messageId, properties }));
      return code;
    },

    /** Without knowing whether it arrives; left out while the broker does not read. */
    tell(topic: string, payload: string): void {
      if (!socket.writable || socket.writableLength > MOST_UNREAD_UNSURE) return;
      write({ cmd: 'publish', qos: 0, dup: false, retain: false, topic, payload });
    },

    /** Says good-bye; the broker keeps the session for `sessionExpiryS`. */
    async end(keepS = sessionExpiryS): Promise<void> {
      using _timer = clock.after(END_MS, () => socket.destroy());
      if (socket.writable) {
        write({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: keepS } });
        socket.end();
      }
      await ended.promise;
    },

    [Symbol.dispose]: () => socket.destroy(),
  };
}
export type Link = Awaited<ReturnType<typeof openLink>>;
