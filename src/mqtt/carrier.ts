import type { Client, PublishPacket } from 'aedes';
import type { Command } from '../commands/commands.ts';
import type { Carrier } from '../downlink.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Registry, Terminal } from '../terminals/registry.ts';
import type { Message } from './dialects/dialect.ts';
import { dialectOf, messageFor } from './dialects/dialects.ts';
import { covers } from './filters.ts';
import type { Answer } from './inbox.ts';
import { commandMessage, requestTopic } from './topics.ts';

/** What goes to terminals over MQTT: commands in their dialect, and the answers that a dialect wants. To one connection, never by topic. */

const GIVE_TIMEOUT_MS = 10_000;

const PUBLISH = { cmd: 'publish', retain: false, dup: false } as const;

const keyOf = (client: Client, { topic, payload }: { topic: string; payload: string | Buffer }): string =>
  `${client.id}\n${topic}\n${payload}`;

/** aedes keeps subscriptions on the client, also those of a resumed session, and leaves them out of its types. */
export function subscriptionsOf(client: Client): string[] {
  const subscriptions: unknown = 'subscriptions' in client ? client.subscriptions : {};
  return typeof subscriptions === 'object' && subscriptions !== null ? Object.keys(subscriptions) : [];
}

const listens = (client: Client, topic: string): boolean =>
  subscriptionsOf(client).some((filter) => filter === topic || covers(filter, topic));

/** `clientOf` gives the broker's client of a terminal that is connected. */
export function createCarrier(parts: {
  registry: Registry;
  clientOf(terminalId: string): Client | undefined;
  clock: Clock;
  log: Logger;
}) {
  const { registry, clientOf, clock, log } = parts;
  /** What is being sent this moment, and to whom: a session that is resumed gets nothing else, since it is old. */
  const sending = new Set<string>();

  /** Sends to one client, once. Rejects when the connection did not take it. */
  async function send(client: Client, message: Message, qos: 0 | 1): Promise<void> {
    const key = keyOf(client, message);
    sending.add(key);
    try {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      // A connection that ends at this moment may never call back.
      using _timer = clock.after(GIVE_TIMEOUT_MS, () => reject(new Error('the connection took no message')));
      client.publish({ ...PUBLISH, ...message, qos }, (error) => (error ? reject(error) : resolve()));
      await promise;
    } finally {
      sending.delete(key);
    }
  }

  /** The connection that listens for a command, the terminal's own or its concentrator's, and the message. */
  function wayOf(terminal: Terminal, command: Command): { client: Client; message: Message } | undefined {
    const via = terminal.connection.type === 'mqtt' ? terminal.connection.via : undefined;
    const dialect = dialectOf(terminal.profile);
    for (const id of via === undefined ? [terminal.id] : [terminal.id, via]) {
      const client = clientOf(id);
      const hub = registry.find(id);
      const speaks = hub?.profile.dialect === terminal.profile.dialect && registry.speaksFor(id, terminal);
      if (!client || !hub || !speaks) continue;
      const message = dialect
        ? messageFor(dialect, terminal, command, hub)
        : commandMessage(terminal.id, command, clock.now());
      if (message && (dialect?.subscribesItself || listens(client, message.topic))) return { client, message };
    }
    return undefined;
  }

  /** How bytes reach whoever listens for the requests to a terminal: itself or its concentrator. */
  function frameWay(terminal: Terminal): ((payload: Buffer | string) => Promise<boolean>) | undefined {
    const topic = requestTopic(terminal.id);
    const via = terminal.connection.type === 'mqtt' ? terminal.connection.via : undefined;
    for (const id of via === undefined ? [terminal.id] : [terminal.id, via]) {
      const client = clientOf(id);
      if (!client || !registry.speaksFor(id, terminal) || !listens(client, topic)) continue;
      return (payload) => send(client, { topic, payload }, 1).then(() => true);
    }
    return undefined;
  }

  const carrier: Carrier = {
    async give(terminal, command, begin) {
      const way = wayOf(terminal, command);
      if (!way || !(await begin())) return { result: 'not_given' };
      await send(way.client, way.message, 1);
      return { result: 'given' };
    },
  };

  return {
    carrier,
    frameWay,
    isSending: (client: Client, packet: PublishPacket): boolean =>
      sending.has(keyOf(client, { topic: packet.topic, payload: packet.payload.toString() })),
    /** Answers one client; what cannot be sent is asked for once more by its device. */
    answerTo:
      (clientId: string): Answer =>
      (message) => {
        const client = clientOf(clientId);
        if (!client) return;
        send(client, message, 0).catch((error) =>
          log.debug({ err: error, terminal: clientId }, 'mqtt: an answer was not sent'),
        );
      },
  };
}
