import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { createAcknowledgements } from './acknowledge.ts';
import { CONNECT, createGatherer, type Frame, frameAt, type Published, publishedAt, takeKeepAlive } from './packets.ts';

/**
 * A connection, as the broker sees it. Nearly all that terminals send is readings with QoS 1, and the broker's parser and queues cost more
 * than all that the gateway does with them: those are taken out of the stream here, and everything else goes on to the broker as it came.
 * Nothing that a client sends is held beyond its limit: of a longer message only the beginning.
 */

export interface LaneParts {
  /** The longest payload that is held. Bytes. */
  maxPayload: number;
  /** Resolves when the message may be acknowledged. `bytes` is the length of a payload of which only the beginning is there. */
  take(topic: string, payload: Buffer, bytes: number): Promise<void>;
  failed(error: unknown): void;
}

/** Topic, header and message id of a PUBLISH beside its payload. */
const MOST_BESIDE = 1_024;
/** What may wait to be taken and acknowledged before the client is read on. */
const MOST_PENDING_BYTES = 1_048_576;
const MOST_PENDING = 2_000;

export function createLane(socket: Socket, parts: LaneParts, now: () => number) {
  const longest = parts.maxPayload + MOST_BESIDE;
  let open = false;
  let keepAliveMs = 0;
  let heardAt = now();
  /** Bytes of a packet that is not whole yet, and how many there are when it is. */
  const held = createGatherer();
  let wanted = 0;
  /** A message that is too long, of which `left` bytes are still to come; `held` has its beginning. */
  let skipped: { published: Published; payloadBytes: number; left: number } | undefined;
  let pendingBytes = 0;
  let brokerIsFull = false;

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
    const full = brokerIsFull || acknowledgements.waiting() >= MOST_PENDING || pendingBytes >= MOST_PENDING_BYTES;
    if (full !== socket.isPaused()) full ? socket.pause() : socket.resume();
  }

  function toBroker(bytes: Buffer): void {
    if (bytes.length > 0 && !stream.push(bytes)) brokerIsFull = true;
  }

  function takeOut({ topic, messageId }: Published, payload: Buffer, bytes: number): void {
    const acknowledge = acknowledgements.expect(messageId);
    pendingBytes += payload.length;
    parts.take(topic, payload, bytes).then(
      () => {
        pendingBytes -= payload.length;
        acknowledge();
      },
      (error: unknown) => {
        parts.failed(error);
        socket.destroy();
      },
    );
  }

  /** A message that is taken out here: what is not as it should be, the broker may judge. */
  function oursAt(data: Buffer, at: number, { body, end }: Frame): Published | undefined {
    const published = publishedAt(data, at, body);
    return published && published.payload <= end && published.messageId > 0 ? published : undefined;
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
  function readLarge(data: Buffer, at: number, { body, end }: Frame): void {
    if (data.length - at < MOST_BESIDE && end > 0) {
      hold(data.subarray(at), MOST_BESIDE);
      return;
    }
    const published = open ? oursAt(data, at, { body, end }) : undefined;
    if (!published) {
      socket.destroy();
      return;
    }
    const payloadBytes = end - published.payload;
    skipped = { published, payloadBytes, left: payloadBytes };
    const rest = skipOn(data.subarray(published.payload));
    if (rest.length > 0) read(rest);
  }

  /** Takes a whole packet out of the stream, when it is one of ours. */
  function takeWhole(data: Buffer, at: number, { body, end }: Frame): boolean {
    if (data[at] === CONNECT) keepAliveMs = takeKeepAlive(data, { body, end }) * 1_000;
    const published = open ? oursAt(data, at, { body, end }) : undefined;
    if (!published) return false;
    takeOut(published, data.subarray(published.payload, end), end - published.payload);
    return true;
  }

  function read(data: Buffer): void {
    let passFrom = 0;
    let at = 0;
    let frame = frameAt(data, at);
    while (frame && frame.end - at <= longest && frame.end <= data.length) {
      if (takeWhole(data, at, frame)) {
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

  socket.on('data', (chunk: Buffer) => {
    heardAt = now();
    const rest = skipOn(chunk);
    if (rest.length === 0) return;
    if (held.bytes() === 0) read(rest);
    else {
      held.add(rest);
      if (held.bytes() >= wanted) read(held.take());
    }
    flow();
  });
  socket.on('end', () => stream.push(null));
  socket.on('error', (error) => stream.destroy(error));
  socket.on('close', () => stream.destroy());
  socket.resume();

  return {
    /** What the broker reads and writes. */
    stream,
    socket,
    /** From here on messages are taken out: the client is who it says. */
    open: (): void => {
      open = true;
    },
    /** Whether the client has been silent for one and a half of its keep-alive [MQTT-3.1.2-24], while we listened. */
    isSilent: (): boolean => keepAliveMs > 0 && !socket.isPaused() && now() - heardAt > keepAliveMs * 1.5,
  };
}
export type Lane = ReturnType<typeof createLane>;
