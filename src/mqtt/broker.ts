import type { EventEmitter } from 'node:events';
import { Aedes, type Client, type PublishPacket } from 'aedes';
import type { Config } from '../config.ts';
import type { Downlink } from '../downlink.ts';
import { type Clock, every } from '../lib/clock.ts';
import { createBucket } from '../lib/limits.ts';
import type { Logger } from '../lib/log.ts';
import type { RecordSecurity } from '../security/security-events.ts';
import type { Registry } from '../terminals/registry.ts';
import type { SealedSecrets } from '../terminals/sealed-secrets.ts';
import { createCarrier, subscriptionsOf } from './carrier.ts';
import { writeConnect } from './connect.ts';
import { dialectOf, speaker } from './dialects/dialects.ts';
import { type Guest, startEntrance } from './entrance.ts';
import { type Inbox, NotAllowed } from './inbox.ts';
import { createLane, type Lane } from './lane.ts';
import { createLogins } from './logins.ts';
import { createReceipts, type Receipts } from './receipts.ts';
import { topicFault } from './rules.ts';
import { parseDownTopic, parseUpTopic } from './topics.ts';

/** The embedded MQTT 3.1.1 broker: clients that the entrance has let in, what they may listen to, their messages to the inbox. */

/** A subscriber that stops reading would stall every publisher for longer than this. */
const DRAIN_TIMEOUT_MS = 2_000;
const SWEEP_MS = 1_000;
/** The topics of other platforms are deep. */
const MOST_LEVELS = 10;
/** A concentrator listens for each terminal behind it. */
const MOST_SUBSCRIPTIONS = 5_000;
/** What a terminal may send at once after a time of silence, in seconds of what it may send all the time. */
const BURST_S = 10;

/**
 * What terminals publish is for the gateway and is taken before the broker sees it, all but their wills; nobody else is told by topic.
 * Distributing it would cost a match for each message, and a session that subscribed to it and is away would gather it without end.
 */
class QuietAedes extends Aedes {
  override publish(packet: PublishPacket, from: unknown, done?: (error?: Error) => void): void {
    if (done && from) done();
    else if (typeof from === 'function') super.publish(packet, () => from());
  }
}

/** A connection of a terminal. */
interface Connection {
  client: Client;
  lane: Lane;
  address: string;
  certified: boolean;
}

/** Listens on the port, and on the TLS port when a certificate is configured. Dispose cuts every connection. */
export async function startBroker(parts: {
  config: Config['mqtt'];
  registry: Registry;
  sealedSecrets: SealedSecrets;
  inbox: Inbox;
  record: RecordSecurity;
  clock: Clock;
  log: Logger;
}) {
  const { config, registry, sealedSecrets, inbox, record, clock, log } = parts;
  await using stack = new AsyncDisposableStack();
  /** By terminal id, which is the broker's client id. */
  const connected = new Map<string, Connection>();
  const connections = new Map<Client, Connection>();
  /** Of sessions that outlive their connection, by terminal id. */
  const receipts = new Map<string, Receipts>();
  const out = createCarrier({ registry, clientOf: (id) => connected.get(id)?.client, clock, log });
  let downlink: Downlink | undefined;

  const aedes = new QuietAedes({
    drainTimeout: DRAIN_TIMEOUT_MS,
    maxTopicLevels: MOST_LEVELS,
    authenticate: (_client, _username, _password, done) => done(null, true),
    // Only wills come here.
    authorizePublish(client, packet, done) {
      if (!client) return done(new Error('only terminals publish'));
      packet.retain = false;
      const payload = Buffer.from(packet.payload);
      inbox.take(client.id, packet.topic, payload, payload.length, out.answerTo(client.id)).then(
        () => done(null),
        (error) => done(error instanceof Error ? error : new Error(String(error))),
      );
    },
    authorizeSubscribe(client, subscription, done) {
      const { topic } = subscription;
      const isRoom = subscriptionsOf(client).length < MOST_SUBSCRIPTIONS;
      if (isRoom && maySubscribe(client.id, topic)) return done(null, subscription);
      foreignTopic(client.id, connections.get(client)?.address ?? null, `subscribes to ${topic}`);
      // A refused filter gets return code 0x80 [MQTT-3.9.3-2].
      done(null, null);
    },
    authorizeForward: (client, packet) => (out.isSending(client, packet) ? packet : null),
  });
  stack.defer(() => new Promise<void>((resolve) => aedes.close(() => resolve())));

  // Trouble in its own store, which is memory, ends the process when nobody listens.
  const emitter: EventEmitter = aedes;
  emitter.on('error', (error) => log.error({ err: error }, 'mqtt: broker error'));
  aedes.on('clientReady', (client) => {
    const connection = connections.get(client);
    // It may have ended while its login was under way, and then nothing would ever take it out.
    if (client.closed || !connection) return;
    connected.set(client.id, connection);
    const terminal = registry.find(client.id);
    if (terminal && dialectOf(terminal.profile)?.subscribesItself) downlink?.kick(client.id);
    connection.lane.open();
  });
  aedes.on('clientDisconnect', (client) => {
    if (connected.get(client.id)?.client === client) connected.delete(client.id);
  });
  aedes.on('subscribe', (subscriptions, client) => {
    for (const { topic } of subscriptions) {
      // In another dialect the topic may not say whose it is; those behind a concentrator are looked at within a second.
      downlink?.kick(parseDownTopic(topic) ?? client.id);
    }
  });
  aedes.on('clientError', (client, error) => log.debug({ err: error, terminal: client.id }, 'mqtt: connection failed'));
  aedes.on('connectionError', (_client, error) => log.debug({ err: error }, 'mqtt: connection refused'));
  await aedes.listen();

  function maySubscribe(clientId: string, filter: string): boolean {
    const terminal = registry.find(clientId);
    const dialect = terminal && dialectOf(terminal.profile);
    if (dialect) return dialect.maySubscribe(speaker(registry, terminal), filter);
    const owner = registry.find(parseDownTopic(filter) ?? parseUpTopic(filter)?.terminalId ?? '');
    return owner !== undefined && registry.speaksFor(clientId, owner);
  }

  const foreignTopic = (terminalId: string, address: string | null, detail: string) =>
    record({ kind: 'foreign_topic', terminalId, address, detail });

  function notTaken({ terminalId, address }: Guest, error: unknown, topic: string): void {
    log.warn({ reason: String(error), terminal: terminalId }, 'mqtt: not acknowledged, connection closed');
    if (!(error instanceof NotAllowed)) return;
    const fault = topicFault(Buffer.from(topic, 'utf8'));
    if (fault) record({ kind: 'malformed', terminalId, address, detail: `PUBLISH: ${fault}` });
    else foreignTopic(terminalId, address, `publishes to ${topic}`);
  }

  /** A new session begins with none. */
  function receiptsOf({ terminalId, connect }: Guest): Receipts {
    const kept = connect.clean ? undefined : receipts.get(terminalId);
    const own = kept ?? createReceipts();
    if (connect.clean) receipts.delete(terminalId);
    else receipts.set(terminalId, own);
    return own;
  }

  /** The address of a terminal that is connected; one that has just hung up is in nobody's way. */
  function connectedFrom(terminalId: string): string | undefined {
    const before = connected.get(terminalId);
    return before && !before.lane.socket.readableEnded && !before.lane.socket.destroyed ? before.address : undefined;
  }

  /** Gives the milliseconds for which a terminal that sent too much is not read. */
  function createAllowance({ terminalId, address }: Guest) {
    const bucketOf = (perSecond: number) => createBucket({ perSecond, burst: perSecond * BURST_S }, clock.ticks);
    const messages = bucketOf(config.messagesPerSecond);
    const bytes = bucketOf(config.bytesPerSecond);
    return (sent: number, length: number): number => {
      const wait = Math.max(messages.spend(sent), bytes.spend(length));
      if (wait > 0)
        record({ kind: 'flood', terminalId, address, detail: 'sends more than it may, and is slowed down' });
      return wait;
    };
  }

  function admit(guest: Guest): void {
    const { socket, terminalId, address, connect, certified } = guest;
    const answer = out.answerTo(terminalId);
    const lane = createLane(socket, {
      maxPayload: config.maxPacketBytes,
      keepAliveS: connect.keepAliveS,
      receipts: receiptsOf(guest),
      take: (topic, payload, bytes) => inbox.take(terminalId, topic, payload, bytes, answer),
      failed: (error, topic) => notTaken(guest, error, topic),
      malformed: (detail) => record({ kind: 'malformed', terminalId, address, detail }),
      spend: createAllowance(guest),
      clock,
    });
    const client = aedes.handle(lane.stream);
    connections.set(client, { client, lane, address, certified });
    lane.stream.on('close', () => connections.delete(client));
    lane.stream.push(writeConnect(terminalId, connect));
  }

  /** The broker does not see all that comes, so the keep-alive is watched here. */
  function cutTheDead(): void {
    for (const { lane } of connections.values()) if (lane.isSilent() || lane.isFrozen()) lane.socket.destroy();
  }
  const sweep = every(clock, SWEEP_MS, cutTheDead, (error) =>
    log.error({ err: error }, 'mqtt: a look at the connections failed'),
  );
  stack.defer(() => sweep[Symbol.dispose]());

  const logins = createLogins(
    {
      wrongPerMinute: config.wrongLoginsPerMinute,
      perMinute: config.loginsPerMinute,
      takeoversPerMinute: config.takeoversPerMinute,
      banMinutes: config.banMinutes,
    },
    {
      registry,
      sealedSecrets,
      inbox,
      clock,
      record,
      connectedFrom,
    },
  );
  const entrance = await startEntrance(config, {
    logins,
    record,
    clock,
    log,
    admit,
    // One whose certificate was revoked meanwhile does not come back.
    certificatesChanged() {
      for (const { certified, lane } of connections.values()) if (certified) lane.socket.destroy();
    },
  });
  stack.use(entrance);

  const opened = stack.move();
  return {
    carrier: out.carrier,
    frameWay: out.frameWay,
    ports: entrance.ports,
    /** `connections` of terminals, and of `sockets` with those that have not said yet who they are. */
    state: () => ({
      listening: entrance.isListening(),
      connections: connected.size,
      sockets: entrance.sockets(),
      limit: config.connections,
    }),
    /** Commands that waited for a terminal go out when it subscribes. */
    sendThrough(to: Downlink): void {
      downlink = to;
    },
    /** Ends the connection and the session of a terminal that was removed or may no longer do what it could. */
    cut(terminalId: string): void {
      connected.get(terminalId)?.lane.socket.destroy();
      receipts.delete(terminalId);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await opened.disposeAsync();
      entrance.cutAll();
    },
  };
}
