import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Faults } from './faults.ts';
import type { Line } from './fleet.ts';
import { createFrameCutter, type ModbusFrame, writeFrame } from './modbus-codec.ts';
import { deviceFailure, exception, type ModbusUnit } from './modbus-unit.ts';
import type { Timers } from './timers.ts';

/** What a gateway box answers for a unit that is not on its line. */
const unitAbsent = 0x0b;

export interface LineUnit {
  readonly answer: ModbusUnit;
  readonly faults: Faults;
}

export interface ModbusLineParts {
  readonly line: Line;
  readonly units: ReadonlyMap<number, LineUnit>;
  readonly timers: Timers;
  readonly now: () => number;
  readonly onAnswered: () => void;
}

export interface ModbusLine extends AsyncDisposable {
  /** The port it listens on, also when asked for port 0. */
  readonly port: number;
}

/** A Modbus TCP box with many units behind it. */
export async function startModbusLine(parts: ModbusLineParts): Promise<ModbusLine> {
  const { line } = parts;
  const sockets = new Set<Socket>();
  const silentUntil = new Map<number, number>();

  const reply = (socket: Socket, request: ModbusFrame, pdu: Buffer): void => {
    if (!socket.writable) return;
    socket.write(writeFrame({ ...request, pdu }));
    parts.onAnswered();
  };

  const handle = (socket: Socket, request: ModbusFrame): void => {
    const functionCode = request.pdu.readUInt8(0);
    const unit = parts.units.get(request.unit);
    if (!unit) {
      reply(socket, request, exception(functionCode, unitAbsent));
      return;
    }
    const { faults } = unit;
    const outS = faults.strikes('reboot');
    if (outS !== undefined) silentUntil.set(request.unit, parts.now() + outS * 1_000);
    const silent = parts.now() < (silentUntil.get(request.unit) ?? 0);
    if (silent || faults.strikes('drop') !== undefined) return;
    const failed = faults.strikes('exception') !== undefined;
    const answer = failed ? exception(functionCode, deviceFailure) : unit.answer(request.pdu);
    const lateS = faults.strikes('delay');
    if (lateS === undefined) reply(socket, request, answer);
    else parts.timers.after(lateS * 1_000, () => reply(socket, request, answer));
  };

  const server = createServer((socket) => {
    const cut = createFrameCutter();
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    // A peer that resets its connection is no trouble of ours.
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      const frames = cut(bytes);
      if (!frames) socket.destroy();
      else for (const frame of frames) handle(socket, frame);
    });
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
