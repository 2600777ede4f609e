import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Line } from './fleet.ts';
import { attend, type LineParts } from './modbus-line.ts';

/** Modbus over TCP: boxes that listen, and DTUs that dial in to the gateway. */

export interface ModbusLine extends AsyncDisposable {
  /** The port it listens on, also when asked for port 0. */
  readonly port: number;
}

function serve(socket: Socket, framing: 'tcp' | 'rtu', parts: LineParts): void {
  const wire = {
    write: (bytes: Buffer) => void (socket.writable && socket.write(bytes)),
    close: () => void socket.destroy(),
  };
  socket.setNoDelay(true);
  // A peer that resets its connection is no trouble of ours.
  socket.on('error', () => socket.destroy());
  socket.on('data', attend(wire, framing, parts));
}

/** A Modbus TCP box, or one that passes RTU frames through, with many units behind it. */
export async function startModbusLine(line: Extract<Line, { host: string }>, parts: LineParts): Promise<ModbusLine> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, line.framing ?? 'tcp', parts);
  });

  server.listen(line.port, line.host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const cause =
      error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' ? 'the port is in use' : error;
    throw new Error(`Modbus line ${line.host}:${line.port}: ${cause instanceof Error ? cause.message : cause}`);
  }
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : line.port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const packet = (text: string): Buffer =>
  text.startsWith('hex:') ? Buffer.from(text.slice(4).replaceAll(' ', ''), 'hex') : Buffer.from(text);

const dialAgainMs = 1_000;
const heartbeatMs = 5_000;

/** A DTU: dials, says who it is, and dials again whenever the connection ended. */
export async function startDtu(line: Extract<Line, { listen: number }>, parts: LineParts): Promise<AsyncDisposable> {
  let socket: Socket | undefined;
  let stopped = false;

  function dial(): void {
    if (stopped) return;
    const fresh = connect(line.listen, line.gateway);
    socket = fresh;
    fresh.once('connect', () => fresh.write(packet(line.registration)));
    fresh.once('close', () => parts.timers.after(dialAgainMs, dial));
    serve(fresh, line.framing ?? 'rtu', parts);
  }

  const { heartbeat } = line;
  if (heartbeat) parts.timers.every(heartbeatMs, () => void (socket?.writable && socket.write(packet(heartbeat))));
  dial();
  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      socket?.destroy();
    },
  };
}
