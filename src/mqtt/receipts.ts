/**
 * Messages with QoS 2 of a session whose end the client has not confirmed by PUBREL yet. When such a message comes again, also over a later
 * connection of the session, it is not taken again [MQTT-4.3.3-2].
 */

/** A client with more of them does not keep to the protocol. */
const MOST = 100;

export function createReceipts() {
  const messages = new Map<number, Promise<void>>();
  return {
    hasRoomFor: (messageId: number): boolean => messages.size < MOST || messages.has(messageId),

    /** Resolves when the message is taken, whenever it came first. */
    once(messageId: number, take: () => Promise<void>): Promise<void> {
      const before = messages.get(messageId);
      if (before) return before;
      const taken = take();
      messages.set(messageId, taken);
      taken.catch(() => messages.delete(messageId));
      return taken;
    },

    release: (messageId: number): void => void messages.delete(messageId),
    isEmpty: (): boolean => messages.size === 0,
  };
}
export type Receipts = ReturnType<typeof createReceipts>;
