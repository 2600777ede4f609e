import type { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes, type AuthenticateError, type Client, type PublishPacket } from 'aedes';
import type { Config } from '../config.ts';
import type { Carrier, Downlink } from '../downlink.ts';
import { rfc3339 } from '../lib/calendar.ts';
import { type Clock, every } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Registry, Terminal } from '../terminals/registry.ts';
import { admit } from './firewall.ts';
import type { Inbox } from './inbox.ts';
import { createLane, type Lane } from './lane.ts';
import { commandTopic, ownerOf, parseCommandTopic } from './topics.ts';

/** The embedded MQTT 3.1.1 broker: who may connect and speak for whom, uplink messages in, commands out. */

/** A subscriber that stops reading would stall every publisher for longer than this. */
const DRAIN_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 10_000;
const GIVE_TIMEOUT_MS = 10_000;
const SILENCE_MS = 1_000;

const PUBLISH = { cmd: 'publish', qos: 1, retain: false, dup: false } as const;

/** CONNACK return codes [MQTT-3.2.2.3]. */
const IDENTIFIER_REJECTED = 2;
const BAD_USER_NAME_OR_PASSWORD = 4;

const refusal = (message: string, returnCode: number): AuthenticateError =>
  Object.assign(new Error(message), { returnCode });

/**
 * What terminals publish is for the gateway and is taken before its acknowledgement; nobody else is told by topic. Distributing it would
 * cost a match for each message, and a session that subscribed to it and is away would gather it without end.
 */
class QuietAedes extends Aedes {
  override publish(packet: PublishPacket, from: unknown, done?: (error?: Error) => void): void {
    if (done && from) done();
    else if (typeof from === 'function') super.publish(packet, () => from());
  }
}

/** Listens on the port, and on the TLS port when a certificate is configured. Dispose cuts every connection. */
export async function startBroker(parts: {
  config: Config['mqtt'];
  registry: Registry;
  inbox: Inbox;
  clock: Clock;
  log: Logger;
}) {
  const { config, registry, inbox, clock, log } = parts;
  const connected = new Map<string, Client>();
  const sockets = new Set<Socket>();
  /** Commands that are being sent this moment: a session that is resumed gets no others, since they are old. */
  const sending = new Set<string>();
  const lanes = new Map<Client['conn'], Lane>();
  let downlink: Downlink | undefined;

  const notTaken = (terminal: string, error: unknown) =>
    log.warn({ reason: String(error), terminal }, 'mqtt: not acknowledged, connection closed');

  const aedes = new QuietAedes({
    drainTimeout: DRAIN_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxTopicLevels: 3,
    authenticate(client, username, password, done) {
      if (!username || !password || !registry.secretFits(username, password.toString('utf8'))) {
        return done(refusal('unknown terminal or wrong secret', BAD_USER_NAME_OR_PASSWORD), false);
      }
      if (client.id !== username)
        return done(refusal('the client id must be the terminal id', IDENTIFIER_REJECTED), false);
      return done(null, true);
    },
    // What a connection's lane leaves to the broker: other qualities of service, wills, and what comes before the login is answered.
    // An acknowledgement is written after this callback, so what resolves here is on disk. An error closes the connection: bad data is
    // no error, it is quarantined and acknowledged.
    authorizePublish(client, packet, done) {
      if (!client) return done(new Error('only terminals publish'));
      packet.retain = false;
      const payload = Buffer.from(packet.payload);
      // Until its end is confirmed the broker keeps a message of QoS 2, over connections too: nobody else reads what it says.
      packet.payload = Buffer.alloc(0);
      inbox.take(client.id, packet.topic, payload, payload.length).then(
        () => done(null),
        (error) => {
          notTaken(client.id, error);
          done(error instanceof Error ? error : new Error(String(error)));
        },
      );
    },
    authorizeSubscribe(client, subscription, done) {
      const owner = ownerOf(subscription.topic);
      // A refused filter gets return code 0x80 [MQTT-3.9.3-2].
      done(null, owner && registry.speaksFor(client.id, owner) ? subscription : null);
    },
    authorizeForward(_client, packet) {
      if (parseCommandTopic(packet.topic) === undefined) return packet;
      return sending.has(packet.payload.toString()) ? packet : null;
    },
  });

  // Trouble in its own store, which is memory, ends the process when nobody listens.
  const emitter: EventEmitter = aedes;
  emitter.on('error', (error) => log.error({ err: error }, 'mqtt: broker error'));
  aedes.on('clientReady', (client) => {
    // It may have ended while its login was under way, and then nothing would ever take it out.
    if (client.closed) return;
    connected.set(client.id, client);
    lanes.get(client.conn)?.open();
  });
  aedes.on('clientDisconnect', (client) => {
    if (connected.get(client.id) === client) connected.delete(client.id);
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

  /** Counts every socket from its first moment, also one whose TLS handshake never ends. */
  function count(socket: Socket): void {
    if (sockets.size >= config.connections) return void socket.destroy();
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
  }

  function accept(socket: Socket): void {
    if (socket.destroyed) return;
    admit(socket, CONNECT_TIMEOUT_MS, (admitted) => {
      const clientId = () => client.id;
      const lane = createLane(
        admitted,
        {
          maxPayload: config.maxPacketBytes,
          take: (topic, payload, bytes) => inbox.take(clientId(), topic, payload, bytes),
          failed: (error) => notTaken(clientId(), error),
        },
        clock.ticks,
      );
      lanes.set(lane.stream, lane);
      lane.stream.on('close', () => lanes.delete(lane.stream));
      const client = aedes.handle(lane.stream);
    });
  }

  /** The broker does not see all that comes, so the keep-alive is watched here. */
  const silence = every(
    clock,
    SILENCE_MS,
    () => {
      for (const { isSilent, socket } of lanes.values()) if (isSilent()) socket.destroy();
    },
    (error) => log.error({ err: error }, 'mqtt: a look at the keep-alives failed'),
  );

  const servers: Server[] = [createServer().on('connection', count).on('connection', accept)];
  await listen(servers[0], config.port, config.host);
  if (config.tls) {
    const { certFile, keyFile, port } = config.tls;
    const tls = createTlsServer({
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
      minVersion: 'TLSv1.2',
      handshakeTimeout: CONNECT_TIMEOUT_MS,
    });
    tls.on('connection', count).on('secureConnection', accept);
    tls.on('tlsClientError', (error) => log.debug({ err: error }, 'mqtt: TLS handshake failed'));
    servers.push(tls);
    await listen(tls, port, config.host);
  }

  /** The connection that has subscribed to a terminal's commands: its own or its concentrator's. */
  function listenerOf(terminal: Terminal): Client | undefined {
    const via = terminal.connection.type === 'mqtt' ? terminal.connection.via : undefined;
    const topic = commandTopic(terminal.id);
    return [terminal.id, via]
      .map((id) => (id === undefined ? undefined : connected.get(id)))
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

  return {
    carrier,
    ports: servers.map(portOf),
    /** `connections` of terminals, and of `sockets` with those that have not said yet who they are. */
    state: () => ({
      listening: servers.every((server) => server.listening),
      connections: connected.size,
      sockets: sockets.size,
      limit: config.connections,
    }),
    /** Commands that waited for a terminal go out when it subscribes. */
    sendThrough(to: Downlink): void {
      downlink = to;
    },
    /** Ends the connection of a terminal that was removed. */
    cut(terminalId: string): void {
      connected.get(terminalId)?.close();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      silence[Symbol.dispose]();
      for (const server of servers) server.close();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** aedes keeps them on the client, also those of a resumed session, and leaves them out of its types. */
function subscriptionsOf(client: Client): Set<string> {
  const subscriptions: unknown = 'subscriptions' in client ? client.subscriptions : {};
  return new Set(Object.keys(typeof subscriptions === 'object' && subscriptions !== null ? subscriptions : {}));
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function listen(server: Server | undefined, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server?.once('error', reject);
    server?.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
