import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { generate } from 'mqtt-packet';
import { loginPacket } from '../helpers/login.ts';

/** Terminals as bare sockets with packets made beforehand, so that the load costs less than what it measures. */

export interface Load {
  sent: number;
  acknowledged: number;
  /** Milliseconds from publishing to the acknowledgement, of every message. */
  latencies: number[];
  close(): void;
}

/** Eight metrics, some 200 bytes; `time` has thirteen digits and `gas_m3` four and two. */
const payload = (time: number) =>
  `{"time":${time},"values":{"supply_c":55.5,"return_c":42.1,"room_c":19.8,"setpoint_c":20,"pressure_bar":1.6,"gas_m3":${((time / 1e3) % 1e4).toFixed(2).padStart(7, '1')},"flame_on":true,"power_on":true}}`;

/** A terminal that has logged in. */
export async function openConnection(port: number, id: string, secret: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  socket.write(loginPacket(id, secret));
  await once(socket, 'data');
  return socket;
}

export interface Credentials {
  id: string;
  secret: string;
}

/** `pace` is the milliseconds between the messages of a connection; without it each acknowledgement brings the next at once. */
export interface LoadOptions {
  terminals: Credentials[];
  inFlight: number;
  pace?: number;
}

const PUBACK_BYTES = 4;

function publishOn(socket: Socket, id: string, { inFlight, pace }: LoadOptions, load: Load): () => void {
  const topic = `terminals/${id}/readings`;
  // A time of its own for each reading, as the store keeps one of two at the same time.
  let time = Date.now() - 86_400_000;
  const common = { cmd: 'publish', qos: 1, dup: false, retain: false } as const;
  const sample = generate({ ...common, topic, payload: payload(time), messageId: 1 });
  const head = sample.length - payload(time).length;
  const sentAt = new Float64Array(inFlight + 1);
  let pending = 0;
  let running = true;

  function publish(slot: number): void {
    time += 1;
    load.sent += 1;
    const packet = Buffer.from(sample);
    packet.writeUInt16BE(slot, head - 2);
    packet.write(payload(time), head, 'latin1');
    sentAt[slot] = performance.now();
    socket.write(packet);
  }

  socket.on('data', (data) => {
    const now = performance.now();
    let at = (PUBACK_BYTES - pending) % PUBACK_BYTES;
    // A packet that came in two parts is counted by its last byte; the slot is its message id, below 256.
    const slots: number[] = [];
    if (pending > 0 && data.length >= at) slots.push(data[at - 1] ?? 0);
    else if (pending > 0) at = 0;
    for (; at + PUBACK_BYTES <= data.length; at += PUBACK_BYTES) slots.push(data[at + 3] ?? 0);
    pending = (pending + data.length) % PUBACK_BYTES;
    socket.cork();
    for (const slot of slots) {
      load.acknowledged += 1;
      load.latencies.push(now - (sentAt[slot] ?? 0));
      if (!running) continue;
      if (pace === undefined) publish(slot);
      else setTimeout(() => running && publish(slot), pace);
    }
    socket.uncork();
  });
  socket.on('error', () => undefined);
  const start = () => {
    for (let slot = 1; slot <= inFlight; slot += 1) publish(slot);
  };
  if (pace === undefined) start();
  else setTimeout(start, Math.random() * pace);
  return () => {
    running = false;
    socket.destroy();
  };
}

/** Each connection keeps `inFlight` messages (at most 255) unacknowledged until closed. */
export async function startLoad(port: number, options: LoadOptions): Promise<Load> {
  const load: Load = { sent: 0, acknowledged: 0, latencies: [], close: () => undefined };
  const opened: [Socket, string][] = [];
  for (let start = 0; start < options.terminals.length; start += 50) {
    const some = options.terminals.slice(start, start + 50);
    const open = async ({ id, secret }: { id: string; secret: string }): Promise<[Socket, string]> => [
      await openConnection(port, id, secret),
      id,
    ];
    opened.push(...(await Promise.all(some.map(open))));
  }
  const ends = opened.map(([socket, id]) => publishOn(socket, id, options, load));
  load.close = () => {
    for (const end of ends) end();
  };
  return load;
}
