import type { Registry } from '../terminals/registry.ts';
import type { Uplink } from '../uplink.ts';
import { parseUpTopic } from './topics.ts';

/** A topic that is not the sender's own, or that nobody publishes to. */
export class NotAllowed extends Error {}

/** What comes from a terminal over MQTT, by whichever broker: whose it is, whether its sender may speak for that one, and what it is. */
export function createInbox(parts: { registry: Registry; uplink: Uplink; maxPacketBytes: number }) {
  const { registry, uplink, maxPacketBytes } = parts;

  /** What a topic carries and of which terminal, when its sender may publish there. */
  function targetOf(sender: string, topic: string) {
    const target = parseUpTopic(topic);
    const terminal = target && registry.find(target.terminalId);
    return terminal && registry.speaksFor(sender, terminal.id) ? { terminal, what: target.what } : undefined;
  }

  return {
    mayPublish: (sender: string, topic: string): boolean => targetOf(sender, topic) !== undefined,

    /**
     * Resolves when a message is on disk; rejects with `NotAllowed` when its sender may not publish there, or when nothing can be taken at the moment.
     * `bytes` is its length; of a message over the limit only the beginning is there.
     */
    async take(sender: string, topic: string, payload: Buffer, bytes: number): Promise<void> {
      const target = targetOf(sender, topic);
      if (!target) throw new NotAllowed(`may not publish ${topic}`);
      const { terminal, what } = target;
      if (bytes > maxPacketBytes) return uplink.refuseLarge(terminal, payload, bytes, maxPacketBytes);
      switch (what) {
        case 'readings':
          return uplink.receiveMessage(terminal, payload);
        case 'status':
          return uplink.receiveStatus(terminal, payload);
        case 'events':
          return uplink.receiveEvent(terminal, payload);
        case 'replies':
          return uplink.receiveReply(terminal, payload);
      }
    },
  };
}
export type Inbox = ReturnType<typeof createInbox>;
