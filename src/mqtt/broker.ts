import type { EventEmitter } from 'node:events';
import { Aedes, type Client, type PublishPacket } from 'aedes';
import type { Config } from '../config.ts';
import type { Carrier, Downlink } from '../downlink.ts';
import { rfc3339 } from '../lib/calendar.ts';
import { type Clock, every } from '../lib/clock.ts';
import { createBucket } from '../lib/limits.ts';
import type { Logger } from '../lib/log.ts';
import type { RecordSecurity } from '../security/security-events.ts';
import type { Registry, Terminal } from '../terminals/registry.ts';
import { writeConnect } from './connect.ts';
import { type Guest, startEntrance } from './entrance.ts';
import { type Inbox, NotAllowed } from './inbox.ts';
import { createLane, type Lane } from './lane.ts';
import { createLogins } from './logins.ts';
import { createReceipts, type Receipts } from './receipts.ts';
import { topicFault } from './rules.ts';
import { commandTopic, ownerOf, parseCommandTopic } from './topics.ts';

/** The embedded MQTT 3.1.1 broker: who may connect and speak for whom, uplink messages in, commands out. */

/** A subscriber that stops reading would stall every publisher for longer than this. */
const DRAIN_TIMEOUT_MS = 2_000;
const GIVE_TIMEOUT_MS = 10_000;
const SWEEP_MS = 1_000;
/** What a terminal may send at once after a time of silence, in seconds of what it may send all the time. */
const BURST_S = 10;

const PUBLISH = { cmd: 'publish', qos: 1, retain: false, dup: false } as const;

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
  inbox: Inbox;
  record: RecordSecurity;
  clock: Clock;
  log: Logger;
}) {
  const { config, registry, inbox, record, clock, log } = parts;
  await using stack = new AsyncDisposableStack();
  /** By terminal id, which is the broker's client id. */
  const connected = new Map<string, Connection>();
  const connections = new Map<Client, Connection>();
  /** Of sessions that outlive their connection, by terminal id. */
  const receipts = new Map<string, Receipts>();
  /** Commands that are being sent this moment: a session that is resumed gets no others, since they are old. */
  const sending = new Set<string>();
  let downlink: Downlink | undefined;

  const aedes = new QuietAedes({
    drainTimeout: DRAIN_TIMEOUT_MS,
    authenticate: (_client, _username, _password, done) => done(null, true),
    // Only wills come here.
    authorizePublish(client, packet, done) {
      if (!client) return done(new Error('only terminals publish'));
      packet.retain = false;
      const payload = Buffer.from(packet.payload);
      inbox.take(client.id, packet.topic, payload, payload.length).then(
        () => done(null),
        (error) => done(error instanceof Error ? error : new Error(String(error))),
      );
    },
    authorizeSubscribe(client, subscription, done) {
      const { topic } = subscription;
      const owner = ownerOf(topic);
      if (owner && registry.speaksFor(client.id, owner)) return done(null, subscription);
      foreignTopic(client.id, connections.get(client)?.address ?? null, `subscribes to ${topic}`);
      // A refused filter gets return code 0x80 [MQTT-3.9.3-2].
      done(null, null);
    },
    authorizeForward(_client, packet) {
      if (parseCommandTopic(packet.topic) === undefined) return packet;
      return sending.has(packet.payload.toString()) ? packet : null;
    },
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
    connection.lane.open();
  });
  aedes.on('clientDisconnect', (client) => {
    if (connected.get(client.id)?.client === client) connected.delete(client.id);
  });
  aedes.on('subscribe', (subscriptions) => {
    for (const { topic } of subscriptions) {
      const terminalId = parseCommandTopic(topic);
      if (terminalId) downlink?.kick(terminalId);
    }
  });
  aedes.on('clientError', (client, error) => log.debug({ err: error, terminal: client.id }, 'mqtt: connection failed'));
  aedes.on('connectionError', (_client, error) => log.debug({ err: error }, 'mqtt: connection refused'));
  await aedes.listen();

  const foreignTopic = (terminalId: string, address: string | null, detail: string) =>
    record({ kind: 'foreign_topic', terminalId, address, detail: detail.slice(0, 200) });

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
    const lane = createLane(socket, {
      maxPayload: config.maxPacketBytes,
      keepAliveS: connect.keepAliveS,
      receipts: receiptsOf(guest),
      take: (topic, payload, bytes) => inbox.take(terminalId, topic, payload, bytes),
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
    { registry, inbox, clock, record, connectedFrom: (terminalId) => connected.get(terminalId)?.address },
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

  /** The connection that has subscribed to a terminal's commands: its own or its concentrator's. */
  function listenerOf(terminal: Terminal): Client | undefined {
    const via = terminal.connection.type === 'mqtt' ? terminal.connection.via : undefined;
    const topic = commandTopic(terminal.id);
    return [terminal.id, via]
      .map((id) => (id === undefined ? undefined : connected.get(id)?.client))
      .find((client) => client !== undefined && subscriptionsOf(client).has(topic));
  }

  const carrier: Carrier = {
    async give(terminal, command, begin) {
      const client = listenerOf(terminal);
      if (!client || !(await begin())) return { result: 'not_given' };
      const payload = JSON.stringify({
        id: command.id,
        command: command.command,
        value: command.value,
        issuedAt: rfc3339(clock.now()),
        expiresAt: rfc3339(command.expiresAt),
        sequence: command.sequence,
      });
      sending.add(payload);
      try {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        // A connection that ends at this moment may never call back.
        using _timer = clock.after(GIVE_TIMEOUT_MS, () => reject(new Error('the connection took no message')));
        const packet = { topic: commandTopic(terminal.id), payload, ...PUBLISH };
        client.publish(packet, (error) => (error ? reject(error) : resolve()));
        await promise;
      } finally {
        sending.delete(payload);
      }
      return { result: 'given' };
    },
  };

  const opened = stack.move();
  return {
    carrier,
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

/** aedes keeps them on the client, also those of a resumed session, and leaves them out of its types. */
function subscriptionsOf(client: Client): Set<string> {
  const subscriptions: unknown = 'subscriptions' in client ? client.subscriptions : {};
  return new Set(Object.keys(typeof subscriptions === 'object' && subscriptions !== null ? subscriptions : {}));
}
