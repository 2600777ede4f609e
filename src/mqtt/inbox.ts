import type { Clock } from '../lib/clock.ts';
import type { Registry, Terminal } from '../terminals/registry.ts';
import type { Uplink } from '../uplink.ts';
import type { Dialect, Message, Said } from './dialects/dialect.ts';
import { dialectOf, speaker } from './dialects/dialects.ts';
import { parseUpTopic, type UpTopic } from './topics.ts';

/** Answers a message that is on disk, where its dialect has an answer. */
export type Answer = (message: Message) => void;

/** A topic that is not the sender's own, or that nobody publishes to. */
export class NotAllowed extends Error {}

const notAllowed = (topic: string) => new NotAllowed(`may not publish ${topic}`);

/** What was refused of one terminal's in a message is kept once, with the whole message. */
function together(said: Said[]): Said[] {
  const refused = new Map<string, Extract<Said, { what: 'refused' }>>();
  return said.filter((one) => {
    if (one.what !== 'refused') return true;
    const first = refused.get(one.terminal.id);
    if (first) first.rejects.push(...one.rejects);
    else refused.set(one.terminal.id, one);
    return first === undefined;
  });
}

export interface InboxParts {
  registry: Registry;
  uplink: Uplink;
  clock: Clock;
  maxPacketBytes: number;
  /** Takes the frames of meters. */
  frames: { take(terminal: Terminal, payload: Buffer): Promise<void> };
  /** What else must have happened before a message counts as taken. */
  settled?: (() => Promise<void>) | undefined;
}

/** What comes from a terminal over MQTT, by whichever broker: whose it is, whether its sender may speak for that one, and what it is. */
export function createInbox(parts: InboxParts) {
  const { registry, uplink, clock, maxPacketBytes, settled } = parts;

  /** What a topic of our own carries and of which terminal, when its sender may publish there. */
  function targetOf(sender: string, topic: string) {
    const target = parseUpTopic(topic);
    const terminal = target && registry.find(target.terminalId);
    return terminal && registry.speaksFor(sender, terminal) ? { terminal, what: target.what } : undefined;
  }

  /** No `async`: there are many, and a promise more for each costs. */
  function takeOwn(sender: string, topic: string, payload: Buffer, bytes: number): Promise<void> {
    const target = targetOf(sender, topic);
    if (!target) return Promise.reject(notAllowed(topic));
    const { terminal, what } = target;
    if (bytes > maxPacketBytes) return uplink.refuseLarge(terminal, payload, bytes, maxPacketBytes);
    return takeAs(what, terminal, payload);
  }

  function takeAs(what: UpTopic, terminal: Terminal, payload: Buffer): Promise<void> {
    switch (what) {
      case 'readings':
        return uplink.receiveMessage(terminal, payload);
      case 'status':
        return uplink.receiveStatus(terminal, payload);
      case 'events':
        return uplink.receiveEvent(terminal, payload);
      case 'replies':
        return uplink.receiveReply(terminal, payload);
      case 'frames':
        return parts.frames.take(terminal, payload);
    }
  }

  function receive(said: Said, payload: Buffer): Promise<void> {
    const { terminal } = said;
    const written = (message: unknown) => Buffer.from(JSON.stringify(message));
    switch (said.what) {
      case 'readings':
        return uplink.receiveItems(terminal, said.items);
      case 'status':
        return uplink.receiveStatus(terminal, written({ online: said.online }));
      case 'event': {
        const { time, event, data } = said;
        return uplink.receiveEvent(terminal, written({ time, event, data }));
      }
      case 'reply':
        return uplink.receiveAnswer(terminal, said);
      case 'refused':
        return uplink.refuse(terminal, said.rejects, payload);
    }
  }

  async function takeForeign(
    dialect: Dialect,
    terminal: Terminal,
    topic: string,
    payload: Buffer,
    bytes: number,
    answer: Answer,
  ) {
    const from = speaker(registry, terminal);
    if (!dialect.mayPublish(from, topic)) throw notAllowed(topic);
    if (bytes > maxPacketBytes) return uplink.refuseLarge(terminal, payload, bytes, maxPacketBytes);
    const heard = dialect.hear({ ...from, topic, payload, now: clock.now() });
    // Together, since they share commits: a concentrator may tell of many terminals.
    await Promise.all(together(heard.said).map((said) => receive(said, payload)));
    if (heard.answer) answer(heard.answer);
  }

  return {
    mayPublish(sender: string, topic: string): boolean {
      const terminal = registry.find(sender);
      const dialect = terminal && dialectOf(terminal.profile);
      return dialect ? dialect.mayPublish(speaker(registry, terminal), topic) : targetOf(sender, topic) !== undefined;
    },

    /**
     * Resolves when a message is on disk; rejects with `NotAllowed` when its sender may not publish there, or when nothing can be taken at the moment.
     * `bytes` is its length; of a message over the limit only the beginning is there.
     */
    take(sender: string, topic: string, payload: Buffer, bytes: number, answer: Answer): Promise<void> {
      const terminal = registry.find(sender);
      const dialect = terminal && dialectOf(terminal.profile);
      const taken = dialect
        ? takeForeign(dialect, terminal, topic, payload, bytes, answer)
        : takeOwn(sender, topic, payload, bytes);
      return settled ? taken.then(settled) : taken;
    },
  };
}
export type Inbox = ReturnType<typeof createInbox>;
