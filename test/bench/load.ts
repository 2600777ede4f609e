import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { generate, parser } from 'mqtt-packet';

/** Terminals as bare sockets with packets made beforehand, so that the load costs less than what it measures. */

export interface Load {
  acknowledged: number;
  /** Milliseconds from publishing to the acknowledgement, of every message. */
  latencies: number[];
  close(): void;
}

const connectPacket = (id: string, secret: string) =>
  generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId: id,
    username: id,
    password: Buffer.from(secret),
    clean: true,
    keepalive: 0,
  });

/** Eight metrics, some 200 bytes. */
const payload = (time: number) =>
  `{"time":${time},"values":{"supply_c":55.5,"return_c":42.1,"room_c":19.8,"setpoint_c":20,"pressure_bar":1.6,"gas_m3":${(time % 1e6) / 100},"flame_on":true,"power_on":true}}`;

async function openConnection(port: number, id: string, secret: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  socket.write(connectPacket(id, secret));
  await once(socket, 'data');
  return socket;
}

/** Each connection keeps `inFlight` messages unacknowledged until closed. */
export async function startLoad(
  port: number,
  terminals: { id: string; secret: string }[],
  inFlight: number,
): Promise<Load> {
  const load: Load = { acknowledged: 0, latencies: [], close: () => undefined };
  const sockets: Socket[] = [];
  let running = true;
  for (let start = 0; start < terminals.length; start += 50) {
    const some = terminals.slice(start, start + 50);
    sockets.push(...(await Promise.all(some.map(({ id, secret }) => openConnection(port, id, secret)))));
  }
  load.close = () => {
    running = false;
    for (const socket of sockets) socket.destroy();
  };
  for (const [n, socket] of sockets.entries()) {
    const topic = `terminals/${terminals[n]?.id}/readings`;
    const sentAt = new Map<number, number>();
    let messageId = 0;
    // A time of its own for each reading, as the store keeps one of two at the same time.
    let time = Date.now() - 86_400_000;
    const publish = () => {
      messageId = (messageId % 65_535) + 1;
      time += 1;
      sentAt.set(messageId, performance.now());
      return generate({ cmd: 'publish', topic, payload: payload(time), qos: 1, messageId, dup: false, retain: false });
    };
    const packets = parser();
    packets.on('packet', ({ cmd, messageId: id = 0 }) => {
      if (cmd !== 'puback') return;
      load.acknowledged += 1;
      load.latencies.push(performance.now() - (sentAt.get(id) ?? 0));
      sentAt.delete(id);
      if (running) socket.write(publish());
    });
    socket.on('data', (data) => packets.parse(data));
    socket.on('error', () => undefined);
    socket.write(Buffer.concat(Array.from({ length: inFlight }, publish)));
  }
  return load;
}
