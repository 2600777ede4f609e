import type { Registry, Terminal } from '../terminals/registry.ts';
import type { Uplink } from '../uplink.ts';
import { parseUpTopic, type UpTopic } from './topics.ts';

/** What comes from a terminal over MQTT, by whichever broker: whose it is, whether its sender may speak for that one, and what it is. */
export function createInbox(parts: {
  registry: Registry;
  uplink: Uplink;
  maxPacketBytes: number;
  /** What else must have happened before a message counts as taken. */
  settled?: (() => Promise<void>) | undefined;
}) {
  const { registry, uplink, maxPacketBytes, settled } = parts;

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
    }
  }

  return {
    /**
     * Resolves when a message is on disk; rejects when its sender may not publish there, or nothing can be taken at the moment.
     * `bytes` is its length; of a message over the limit only the beginning is there.
     */
    async take(sender: string, topic: string, payload: Buffer, bytes: number): Promise<void> {
      const target = parseUpTopic(topic);
      const terminal = target && registry.find(target.terminalId);
      if (!terminal || !registry.speaksFor(sender, terminal.id)) throw new Error(`may not publish ${topic}`);
      if (bytes > maxPacketBytes) return uplink.refuseLarge(terminal, payload, bytes, maxPacketBytes);
      await takeAs(target.what, terminal, payload);
      if (settled) await settled();
    },
  };
}
export type Inbox = ReturnType<typeof createInbox>;
