import type { Duplex } from 'node:stream';

/**
 * PUBACKs, written apart from the broker, which writes each one alone in three pieces: here those that are due at the same moment leave
 * in one piece, in the order in which their messages came [MQTT-4.6.0-2].
 */

interface Message {
  id: number;
  taken: boolean;
}

/** What a client that does not read its acknowledgements may leave on our side. Bytes. */
const MOST_UNREAD = 65_536;

/** PUBACK packets [MQTT 3.4]. */
function packets(messages: Message[]): Buffer {
  const bytes = Buffer.alloc(messages.length * 4);
  for (const [index, { id }] of messages.entries()) bytes.writeUInt32BE(0x40020000 + id, index * 4);
  return bytes;
}

export function createAcknowledgements() {
  const pending = new WeakMap<Duplex, Message[]>();
  let due = new Set<Duplex>();

  function writeDue(): void {
    const sockets = due;
    due = new Set();
    for (const socket of sockets) {
      const messages = pending.get(socket);
      if (!messages || !socket.writable) continue;
      const waits = messages.findIndex(({ taken }) => !taken);
      const ready = messages.splice(0, waits < 0 ? messages.length : waits);
      if (ready.length > 0) socket.write(packets(ready));
      if (socket.writableLength > MOST_UNREAD) socket.destroy();
    }
  }

  /** A message has come; call the answer when it is taken. Its acknowledgement leaves when those before it have. */
  return (socket: Duplex, id: number): (() => void) => {
    const message: Message = { id, taken: false };
    const messages = pending.get(socket);
    if (messages) messages.push(message);
    else pending.set(socket, [message]);
    return () => {
      message.taken = true;
      if (due.size === 0) setImmediate(writeDue);
      due.add(socket);
    };
  };
}
