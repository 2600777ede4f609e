import { connect, type MqttClient } from 'mqtt';
import type { MqttTerminal } from './fleet.ts';
import type { Pace } from './pace.ts';
import type { Random } from './random.ts';
import type { Timers } from './timers.ts';

const longestBacklog = 1_000;
/** Readings in one backfill message; unacknowledged messages at once. */
const longestBatch = 200;
const mostInFlight = 20;

export interface MqttLinkParts {
  readonly terminal: MqttTerminal;
  readonly url: string;
  readonly pace: Pace;
  readonly random: Random;
  readonly timers: Timers;
  /** Milliseconds until this connection's turn. */
  readonly turn: () => number;
  readonly onOpen: () => void;
  readonly listensTo: 'commands' | 'frames/requests';
  readonly onCommand: (payload: Buffer) => void;
  readonly onDelivered: (readings: number) => void;
  readonly onTrouble: (cause: string) => void;
}

export interface MqttLink {
  connected(): boolean;
  /** A reading as JSON: sent now, or kept until the broker is back. */
  post(reading: string): void;
  /** Sent now or lost. */
  say(topic: 'replies' | 'status' | 'frames', payload: string | Buffer, onDelivered?: () => void): void;
  /** As if the power had failed: no DISCONNECT. */
  cut(seconds: number): void;
  open(): void;
  close(): Promise<void>;
}

/** One terminal's connection. Every attempt is a fresh client, so what is unsent is kept here and nowhere else. */
export function createMqttLink(parts: MqttLinkParts): MqttLink {
  const { terminal, pace, random, timers } = parts;
  const topic = (leaf: string): string => `terminals/${terminal.id}/${leaf}`;
  const unsent: string[] = [];
  const inFlight = new Set<string[]>();
  let client: MqttClient | undefined;
  let failures = 0;
  let closing = false;

  const attempt = (): void => {
    if (closing || client) return;
    const opened = connect(parts.url, {
      clientId: terminal.id,
      username: terminal.id,
      password: terminal.secret,
      protocolVersion: 4,
      clean: true,
      keepalive: 60,
      reconnectPeriod: 0,
      connectTimeout: 20_000,
      resubscribe: false,
      will: { topic: topic('status'), payload: Buffer.from('{"online":false}'), qos: 1, retain: false },
    });
    client = opened;
    opened.on('connect', () => greet(opened));
    opened.on('message', (_topic, payload) => parts.onCommand(payload));
    opened.on('error', (error) => {
      parts.onTrouble(error.message);
      lost(opened);
    });
    opened.on('close', () => lost(opened));
  };

  const greet = (opened: MqttClient): void => {
    failures = 0;
    opened.subscribe(topic(parts.listensTo), { qos: 1 }, (error) => {
      if (error && client === opened) parts.onTrouble(error.message);
    });
    link.say('status', '{"online":true}');
    pump();
    parts.onOpen();
  };

  const lost = (opened: MqttClient, backAfterMs = retryMs()): void => {
    if (client !== opened) return;
    client = undefined;
    opened.end(true);
    unsent.unshift(...[...inFlight].flat());
    inFlight.clear();
    unsent.splice(0, unsent.length - longestBacklog);
    timers.after(backAfterMs, () => timers.after(parts.turn(), attempt));
  };

  const retryMs = (): number => {
    const [shortest, longest] = pace.retryMs;
    failures += 1;
    return Math.min(longest, shortest * 2 ** (failures - 1)) * random.between(0.5, 1);
  };

  const pump = (): void => {
    const sender = client;
    while (sender?.connected && unsent.length > 0 && inFlight.size < mostInFlight) {
      const batch = unsent.splice(0, longestBatch);
      inFlight.add(batch);
      const payload = batch.length === 1 ? batch.join('') : `[${batch.join(',')}]`;
      sender.publish(topic('readings'), payload, { qos: 1 }, (error) => {
        // After a loss the batch is back among the unsent already.
        if (error || !inFlight.delete(batch)) return;
        parts.onDelivered(batch.length);
        pump();
      });
    }
  };

  const link: MqttLink = {
    connected: () => client?.connected ?? false,
    post(reading) {
      unsent.push(reading);
      if (unsent.length > longestBacklog) unsent.shift();
      pump();
    },
    say(leaf, payload, onDelivered) {
      if (client?.connected) client.publish(topic(leaf), payload, { qos: 1 }, (error) => error || onDelivered?.());
    },
    cut(seconds) {
      if (client) lost(client, seconds * 1_000);
    },
    open: () => timers.after(parts.turn(), attempt),
    async close() {
      closing = true;
      const last = client;
      client = undefined;
      if (last) await farewell(last, pace.goodbyeMs);
    },
  };
  return link;
}

/** DISCONNECT after the last acknowledgement, or without it when the broker keeps us waiting. */
async function farewell(client: MqttClient, patienceMs: number): Promise<void> {
  if (!client.connected) {
    client.end(true);
    return;
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patienceMs);
  client.end(false, () => resolve());
  await promise;
  clearTimeout(timer);
  client.stream.destroy();
}
