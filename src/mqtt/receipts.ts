/**
 * Messages with QoS 2 of a session whose end the client has not confirmed by PUBREL yet. When such a message comes again, also over a later
 * connection of the session, it is not taken again [MQTT-4.3.3-2].
 */

/** A client with more of them under way does not keep to the protocol. */
const MOST = 100;

interface Receipt {
  taken: Promise<void>;
  isTaken: boolean;
}

export function createReceipts() {
  const messages = new Map<number, Receipt>();

  /** A device that forgot them never confirms the oldest; should one come again, its readings are known by their time. */
  function makeRoom(): void {
    const old = messages.size >= MOST ? [...messages].find(([, { isTaken }]) => isTaken) : undefined;
    if (old) messages.delete(old[0]);
  }

  return {
    hasRoomFor(messageId: number): boolean {
      if (!messages.has(messageId)) makeRoom();
      return messages.size < MOST || messages.has(messageId);
    },

    /** Resolves when the message is taken, whenever it came first. */
    once(messageId: number, take: () => Promise<void>): Promise<void> {
      const before = messages.get(messageId);
      if (before) return before.taken;
      const receipt: Receipt = { taken: take(), isTaken: false };
      messages.set(messageId, receipt);
      receipt.taken.then(
        () => {
          receipt.isTaken = true;
        },
        () => messages.delete(messageId),
      );
      return receipt.taken;
    },

    release: (messageId: number): void => void messages.delete(messageId),
  };
}
export type Receipts = ReturnType<typeof createReceipts>;
