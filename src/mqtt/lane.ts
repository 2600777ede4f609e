import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import { createAcknowledgements, MOST_UNREAD, PUBACK, PUBREC } from './acknowledge.ts';
import { createGatherer, type Frame, frameAt, isPublish, type Published } from './packets.ts';
import type { Receipts } from './receipts.ts';
import { faultOf, PUBREL, publishedAt } from './rules.ts';

/**
 * A connection after its login, as the broker sees it. What terminals publish is taken out of the stream here, since the broker's parser and
 * queues cost more than all that the gateway does with it; of the rest the broker sees what the standard allows. Nothing that a client
 * sends is held beyond its limit: of a longer message only the beginning.
 */

export interface LaneParts {
  /** The longest payload that is held. Bytes. */
  maxPayload: number;
  /** Seconds between two packets of the client, 0 for any. */
  keepAliveS: number;
  /** Messages with QoS 2 whose end the client has not confirmed yet. */
  receipts: Receipts;
  /** Resolves when the message may be acknowledged. `bytes` is the length of a payload of which only the beginning is there. */
  take(topic: string, payload: Buffer, bytes: number): Promise<void>;
  /** A message could not be taken; its connection is cut. */
  failed(error: unknown, topic: string): void;
  /** The client sent what the standard forbids; its connection is cut. */
  malformed(detail: string): void;
  /** Counts what was sent; gives the milliseconds for which the client is not read. */
  spend(messages: number, bytes: number): number;
  clock: Clock;
}

/** Topic, header and message id of a PUBLISH beside its payload. */
const MOST_BESIDE = 1_024;
/** What may wait to be taken and acknowledged before the client is read on. */
const MOST_PENDING_BYTES = 1_048_576;
const MOST_PENDING = 2_000;
/** A client that takes nothing of what waits for it for this long is no longer there. */
const FROZEN_MS = 2_000;
/** The first two bytes of a PUBCOMP [MQTT 3.7]. */
const PUBCOMP = 0x7002;

/** What a packet is, once it is whole. */
type Read = 'ours' | 'passed' | 'cut';

export function createLane(socket: Socket, parts: LaneParts) {
  const { clock } = parts;
  const now = clock.ticks;
  const longest = parts.maxPayload + MOST_BESIDE;
  let open = false;
  let heardAt = now();
  let blockedSince: number | undefined;
  /** Bytes of a packet that is not whole yet, and how many there are when it is. */
  const held = createGatherer();
  let wanted = 0;
  /** A message that is too long, of which `left` bytes are still to come; `held` has its beginning. */
  let skipped: { published: Published; payloadBytes: number; left: number } | undefined;
  let pendingBytes = 0;
  let messages = 0;
  let brokerIsFull = false;
  let slowed = false;

  const stream = new Duplex({
    read() {
      brokerIsFull = false;
      flow();
    },
    write: (chunk, _encoding, done) => toClient(chunk, done),
    // The broker writes a packet in pieces, between which no acknowledgement may come.
    writev: (pieces, done) => toClient(Buffer.concat(pieces.map(({ chunk }) => chunk)), done),
    final: (done) => void socket.end(() => done()),
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });

  const acknowledgements = createAcknowledgements(socket, () => {
    if (socket.isPaused()) flow();
  });

  function toClient(bytes: Buffer, done: () => void): void {
    if (socket.write(bytes)) done();
    else socket.once('drain', () => done());
  }

  function flow(): void {
    const waits = brokerIsFull || slowed || !open;
    const full = waits || acknowledgements.waiting() >= MOST_PENDING || pendingBytes >= MOST_PENDING_BYTES;
    if (full !== socket.isPaused()) full ? socket.pause() : socket.resume();
  }

  function toBroker(bytes: Buffer): void {
    if (bytes.length > 0 && !stream.push(bytes)) brokerIsFull = true;
  }

  function cut(detail: string): 'cut' {
    parts.malformed(detail);
    socket.destroy();
    return 'cut';
  }

  /** A message with QoS 2 that has come before is not taken again; it is acknowledged as the first time was, when that is done. */
  function begin({ topic, qos, messageId }: Published, payload: Buffer, bytes: number): Promise<void> {
    const take = () => parts.take(topic, payload, bytes);
    return qos === 2 ? parts.receipts.once(messageId, take) : take();
  }

  function takeOut(published: Published, payload: Buffer, bytes: number): void {
    const { qos, messageId } = published;
    if (qos === 2 && !parts.receipts.hasRoomFor(messageId)) return void cut('too many messages of QoS 2 at once');
    const acknowledge = qos > 0 ? acknowledgements.expect(qos === 1 ? PUBACK : PUBREC, messageId) : undefined;
    pendingBytes += payload.length;
    begin(published, payload, bytes).then(
      () => {
        pendingBytes -= payload.length;
        if (acknowledge) acknowledge();
        else flow();
      },
      (error: unknown) => {
        parts.failed(error, published.topic);
        socket.destroy();
      },
    );
  }

  function release(messageId: number): void {
    parts.receipts.release(messageId);
    const packet = Buffer.alloc(4);
    packet.writeUInt32BE(PUBCOMP * 65_536 + messageId);
    socket.write(packet);
    if (socket.writableLength > MOST_UNREAD) socket.destroy();
  }

  /** The part of a chunk that follows a message that is skipped. */
  function skipOn(chunk: Buffer): Buffer {
    if (!skipped) return chunk;
    const rest = chunk.subarray(skipped.left);
    const own = chunk.subarray(0, skipped.left);
    held.add(own.subarray(0, parts.maxPayload - held.bytes()));
    skipped.left -= own.length;
    if (skipped.left > 0) return rest;
    takeOut(skipped.published, held.take(), skipped.payloadBytes);
    skipped = undefined;
    return rest;
  }

  function hold(rest: Buffer, bytes: number): void {
    held.add(rest);
    wanted = bytes;
  }

  /** A packet over the limit. A message is not gathered: its beginning tells whose it is. Anything else ends the connection. */
  function readLarge(data: Buffer, at: number, frame: Frame): void {
    const { end } = frame;
    if (!isPublish(data[at] ?? 0) || Number.isNaN(end)) return void cut('a packet over the limit');
    if (data.length - at < MOST_BESIDE) {
      hold(data.subarray(at), MOST_BESIDE);
      return;
    }
    const published = publishedAt(data, at, frame);
    if (typeof published === 'string') return void cut(published);
    const payloadBytes = end - published.payload;
    skipped = { published, payloadBytes, left: payloadBytes };
    const rest = skipOn(data.subarray(published.payload));
    if (rest.length > 0) read(rest);
  }

  function readWhole(data: Buffer, at: number, frame: Frame): Read {
    const { body, end } = frame;
    const first = data[at] ?? 0;
    messages += 1;
    if (isPublish(first)) {
      const published = publishedAt(data, at, frame);
      if (typeof published === 'string') return cut(published);
      takeOut(published, data.subarray(published.payload, end), end - published.payload);
      return 'ours';
    }
    const fault = faultOf(first, data.subarray(body, end));
    if (fault) return cut(fault);
    if (first !== PUBREL) return 'passed';
    release(data.readUInt16BE(body));
    return 'ours';
  }

  function read(data: Buffer): void {
    let passFrom = 0;
    let at = 0;
    let frame = frameAt(data, at);
    while (frame && frame.end - at <= longest && frame.end <= data.length) {
      const what = readWhole(data, at, frame);
      if (what === 'cut') return;
      if (what === 'ours') {
        toBroker(data.subarray(passFrom, at));
        passFrom = frame.end;
      }
      at = frame.end;
      frame = frameAt(data, at);
    }
    toBroker(data.subarray(passFrom, at));
    if (frame && !(frame.end - at <= longest)) readLarge(data, at, frame);
    else hold(data.subarray(at), frame ? frame.end - at : data.length - at + 1);
  }

  /** A client that sends too much is read more slowly, and so cannot send. */
  function slowDown(bytes: number): void {
    const wait = parts.spend(messages, bytes);
    messages = 0;
    if (wait <= 0) return;
    slowed = true;
    clock.after(wait, () => {
      slowed = false;
      flow();
    });
  }

  socket.on('data', (chunk: Buffer) => {
    heardAt = now();
    const rest = skipOn(chunk);
    if (rest.length > 0 && held.bytes() === 0) read(rest);
    else if (rest.length > 0) {
      held.add(rest);
      if (held.bytes() >= wanted) read(held.take());
    }
    slowDown(chunk.length);
    flow();
  });
  socket.on('end', () => stream.push(null));
  socket.on('error', (error) => stream.destroy(error));
  socket.on('close', () => stream.destroy());

  /** Whether the client has been silent for one and a half of its keep-alive [MQTT-3.1.2-24], while we listened. */
  const isSilent = (): boolean =>
    parts.keepAliveS > 0 && !socket.isPaused() && now() - heardAt > parts.keepAliveS * 1_500;

  /** Whether it takes nothing of what was written to it; to be asked every second. */
  function isFrozen(): boolean {
    blockedSince = socket.writableNeedDrain ? (blockedSince ?? now()) : undefined;
    return blockedSince !== undefined && now() - blockedSince >= FROZEN_MS;
  }

  return {
    /** What the broker reads and writes. */
    stream,
    socket,
    /** The login is answered: from here on the client is read. */
    open: (): void => {
      open = true;
      flow();
    },
    isSilent,
    isFrozen,
  };
}
export type Lane = ReturnType<typeof createLane>;
