import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import type { Pace } from '../../device-sim/pace.ts';
import { loadProfiles, type Profile } from '../../src/terminals/profile.ts';

/** What these tests stand on: profiles, ports, folders, a bare broker. */

export const profiles = loadProfiles(join(import.meta.dirname, '../../config/profiles'));

export function profileNamed(name: string): Profile {
  const profile = profiles.get(name);
  if (!profile) throw new Error(`no profile ${name}`);
  return profile;
}

/** People and devices in a hurry. */
export const hurried: Partial<Pace> = {
  replyMs: [1, 5],
  obeyMs: [10, 20],
  keyS: [1, 1],
  retryMs: [10, 50],
  connectsPerSecond: 10_000,
};

/** How long tests wait for what must come. */
export const soon = { timeout: 4_500, interval: 5 };

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || !address) throw new Error('no port');
  return address.port;
}

export function temporaryFolder(): AsyncDisposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'device-sim-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export interface Heard {
  readonly topic: string;
  readonly payload: unknown;
}

export interface TestBroker extends AsyncDisposable {
  readonly url: string;
  readonly heard: readonly Heard[];
  /** The first message, past or to come, that is looked for. */
  hear(wanted: (message: Heard) => boolean): Promise<Heard>;
  /** A terminal listens for commands. */
  listening(terminal: string): Promise<void>;
  say(topic: string, payload: unknown): void;
}

export async function startBroker(port = 0): Promise<TestBroker> {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const heard: Heard[] = [];
  const subscribed = new Set<string>();
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of waiting) look();
  };
  broker.on('publish', ({ topic, payload }) => {
    if (topic.startsWith('$SYS')) return;
    heard.push({ topic, payload: JSON.parse(payload.toString()) });
    wake();
  });
  broker.on('subscribe', (subscriptions) => {
    for (const { topic } of subscriptions) subscribed.add(topic);
    wake();
  });
  const until = <T>(found: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const look = (): void => {
        const result = found();
        if (result === undefined) return;
        waiting.delete(look);
        resolve(result);
      };
      waiting.add(look);
      look();
    });
  return {
    url: `mqtt://127.0.0.1:${typeof address === 'object' && address ? address.port : port}`,
    heard,
    hear: (wanted) => until(() => heard.find(wanted)),
    listening: async (terminal) => {
      await until(() => (subscribed.has(`terminals/${terminal}/commands`) ? true : undefined));
    },
    say(topic, payload) {
      const packet = { cmd: 'publish', qos: 1, retain: false, dup: false, topic } as const;
      broker.publish({ ...packet, payload: JSON.stringify(payload) }, () => undefined);
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      await closed;
    },
  };
}
