import type { Socket } from 'node:net';

/**
 * PUBACKs and PUBRECs of a connection, written apart from the broker, which writes each one alone in three pieces: here those that are due
 * at the same moment leave in one piece, in the order in which their messages came [MQTT-4.6.0-2, MQTT-4.6.0-3].
 */

/** The first two bytes of an acknowledgement [MQTT 3.4, 3.5]; its message's id follows. */
export const PUBACK = 0x4002;
export const PUBREC = 0x5002;

interface Message {
  kind: number;
  id: number;
  taken: boolean;
}

/** What a client that does not read its acknowledgements may leave on our side. Bytes. */
export const MOST_UNREAD = 65_536;

function packets(messages: Message[]): Buffer {
  const bytes = Buffer.alloc(messages.length * 4);
  let end = 0;
  for (const { kind, id } of messages) end = bytes.writeUInt32BE(kind * 65_536 + id, end);
  return bytes;
}

/** `written` is called when some have left; `mostUnread` is what may wait on our side to be read. Bytes. */
export function createAcknowledgements(socket: Socket, written: () => void, mostUnread = MOST_UNREAD) {
  const messages: Message[] = [];
  let due = false;

  function write(): void {
    due = false;
    const waits = messages.findIndex(({ taken }) => !taken);
    const ready = messages.splice(0, waits < 0 ? messages.length : waits);
    if (ready.length === 0 || !socket.writable) return;
    socket.write(packets(ready));
    if (socket.writableLength > mostUnread) socket.destroy();
    written();
  }

  return {
    /** A message has come; call the answer when it is taken. Its acknowledgement leaves when those before it have. */
    expect(kind: number, id: number): () => void {
      const message: Message = { kind, id, taken: false };
      messages.push(message);
      return () => {
        message.taken = true;
        if (!due) setImmediate(write);
        due = true;
      };
    },
    /** Messages that came and are not acknowledged yet. */
    waiting: (): number => messages.length,
  };
}
