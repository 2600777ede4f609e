import { once } from 'node:events';
import { connect } from 'node:net';
import { generate, parser } from 'mqtt-packet';
import type { TestTerminal } from '../helpers/gateway.ts';
import { loginPacket } from '../helpers/login.ts';

/** A terminal as a bare socket that publishes with QoS 1 and sends again what was not acknowledged, as real ones do. */

export interface Reading {
  time: number;
  values: Record<string, number>;
}

const IN_FLIGHT = 4;
const AGAIN_MS = 20;

export function createSender(
  { id, secret }: TestTerminal,
  port: number,
  parts: {
    next: () => Reading[];
    acknowledged: (readings: Reading[]) => void;
    /** Whether it cuts its connection itself when it is to end. */
    cut?: boolean;
    /** How long it waits before it comes back. */
    againMs?: number;
    /** From an acknowledgement to the next message. Milliseconds. */
    paceMs?: number;
  },
) {
  /** By message id, in the order in which they were sent first. */
  const open = new Map<number, Reading[]>();
  let lastId = 0;

  const packetOf = (messageId: number, readings: Reading[], dup: boolean) =>
    generate({
      cmd: 'publish',
      topic: `terminals/${id}/readings`,
      payload: JSON.stringify(readings),
      qos: 1,
      messageId,
      dup,
      retain: false,
    });

  function publishNew(): Buffer {
    lastId = (lastId % 65_535) + 1;
    const readings = parts.next();
    open.set(lastId, readings);
    return packetOf(lastId, readings, false);
  }

  /** Resolves when the connection has ended. */
  async function session(until: AbortSignal): Promise<void> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const cut = () => socket.destroy();
    if (parts.cut) until.addEventListener('abort', cut, { once: true });
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => undefined);
    const packets = parser();
    packets.on('packet', ({ cmd, messageId = 0 }) => {
      if (cmd === 'connack') {
        for (const [sent, readings] of open) socket.write(packetOf(sent, readings, true));
        while (open.size < IN_FLIGHT) socket.write(publishNew());
      }
      const readings = cmd === 'puback' ? open.get(messageId) : undefined;
      if (!readings) return;
      open.delete(messageId);
      parts.acknowledged(readings);
      if (parts.paceMs === undefined) socket.write(publishNew());
      else setTimeout(() => socket.writable && socket.write(publishNew()), parts.paceMs);
    });
    socket.on('data', (data) => packets.parse(data));
    socket.write(loginPacket(id, secret));
    await ended;
    until.removeEventListener('abort', cut);
  }

  return {
    /** Comes back, as soon as the gateway does, until `until` is aborted; then ends with the connection, or cuts it. */
    async run(until: AbortSignal): Promise<void> {
      while (!until.aborted) {
        await session(until);
        if (until.aborted) return;
        await once(AbortSignal.any([until, AbortSignal.timeout(parts.againMs ?? AGAIN_MS)]), 'abort');
      }
    },
  };
}
