import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { packetBytes, packetText, trimPacket } from '../terminals/lines.ts';
import { onlyHeartbeats } from './framing.ts';
import { type Port, type PortEvents, socketPort } from './port.ts';

/**
 * Ports on which DTUs dial in. A DTU says who it is by its first packet; only a registration that a line waits for, whole and alone, is
 * taken: what merely begins like one may be another's.
 */

/** After the registration nothing more may come for so long: its rest could be under way. */
const SETTLE_MS = 150;
const LONGEST_REGISTRATION = 128;
/** Connections that have not said yet who they are. The oldest is cut for a new one, so that a flood keeps nobody out for long. */
const MOST_STRANGERS = 512;
const LISTEN_AGAIN_MS = 5_000;
/** Unknown registrations that are told apart in the log. */
const MOST_LOGGED = 1_000;

/** A line that waits for its DTU. */
export interface DialledLine {
  /** In its one spelling. */
  registration: string;
  /** May follow the registration at once. */
  heartbeats: readonly Buffer[];
  attach(socketPort: (events: PortEvents) => Port): void;
}

export interface DialInParts {
  host: string;
  /** Open connections at once, on all ports together. */
  connections: number;
  /** A connection says who it is within this time. Milliseconds. */
  registrationMs: number;
  clock: Clock;
  log: Logger;
}

interface Listener {
  server: Server;
  lines: Map<string, DialledLine>;
  trouble: string | undefined;
  again: Disposable | undefined;
}

/** The line whose registration this is, alone or with whole heartbeats after it. */
function lineOf(lines: Map<string, DialledLine>, packet: Buffer): DialledLine | undefined {
  const exact = lines.get(packetText(trimPacket(packet)));
  if (exact) return exact;
  for (const line of lines.values()) {
    const registration = packetBytes(line.registration);
    if (line.heartbeats.length === 0 || !packet.subarray(0, registration.length).equals(registration)) continue;
    if (onlyHeartbeats(trimPacket(packet.subarray(registration.length)), line.heartbeats)) return line;
  }
  return undefined;
}

export function createDialIn({ host, connections, registrationMs, clock, log }: DialInParts) {
  const listeners = new Map<number, Listener>();
  const sockets = new Set<Socket>();
  const strangers = new Set<Socket>();
  const logged = new Set<string>();
  const counted = { accepted: 0, unknown: 0, silent: 0, overLimit: 0 };

  function refuseUnknown(port: number, socket: Socket, packet: Buffer): void {
    counted.unknown += 1;
    const registration = packetText(trimPacket(packet).subarray(0, LONGEST_REGISTRATION));
    const what = `${port}/${registration}`;
    if (!logged.has(what)) {
      if (logged.size >= MOST_LOGGED) logged.clear();
      logged.add(what);
      log.warn({ port, registration, from: socket.remoteAddress }, 'modbus: nobody knows this registration');
    }
    socket.destroy();
  }

  function greet(port: number, { lines }: Listener, socket: Socket): void {
    let packet = Buffer.alloc(0);
    let settled: Disposable | undefined;
    strangers.add(socket);
    const late = clock.after(registrationMs, () => {
      counted.silent += 1;
      socket.destroy();
    });
    const forget = () => {
      strangers.delete(socket);
      late[Symbol.dispose]();
      settled?.[Symbol.dispose]();
    };
    const decide = () => {
      const line = lineOf(lines, packet);
      if (!line) return refuseUnknown(port, socket, packet);
      forget();
      socket.off('data', gather).off('close', forget).off('error', ignore);
      counted.accepted += 1;
      line.attach((events) => socketPort(socket, events));
    };
    const gather = (bytes: Buffer) => {
      packet = Buffer.concat([packet, bytes]);
      settled?.[Symbol.dispose]();
      if (packet.length > LONGEST_REGISTRATION) refuseUnknown(port, socket, packet);
      else settled = clock.after(SETTLE_MS, decide);
    };
    // What ends it is told by 'close'.
    const ignore = () => undefined;
    socket.on('data', gather).on('close', forget).on('error', ignore);
  }

  function accept(port: number, listener: Listener, socket: Socket): void {
    if (sockets.size >= connections) {
      counted.overLimit += 1;
      socket.on('error', () => undefined).destroy();
      return;
    }
    const [oldest] = strangers;
    if (oldest && strangers.size >= MOST_STRANGERS) oldest.destroy();
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    greet(port, listener, socket);
  }

  function listen(port: number): Listener {
    const server = createServer();
    const listener: Listener = { server, lines: new Map(), trouble: undefined, again: undefined };
    const start = () => server.listen(port, host);
    server.on('connection', (socket) => accept(port, listener, socket));
    server.on('listening', () => {
      listener.trouble = undefined;
      log.info({ port }, 'modbus: DTUs may dial in');
    });
    server.on('error', (error) => {
      if (!listener.trouble)
        log.warn({ port, reason: error.message }, 'modbus: the port cannot be opened, tried again');
      listener.trouble = error.message;
      listener.again = clock.after(LISTEN_AGAIN_MS, start);
    });
    start();
    listeners.set(port, listener);
    return listener;
  }

  function close(port: number, { server, again }: Listener): void {
    listeners.delete(port);
    again?.[Symbol.dispose]();
    server.close();
  }

  return {
    /** A line waits for its DTU. Dispose ends that, and closes the port with its last line; the line itself closes the connection. */
    expect(port: number, line: DialledLine): Disposable {
      const { registration } = line;
      const listener = listeners.get(port) ?? listen(port);
      listener.lines.set(registration, line);
      return {
        [Symbol.dispose]() {
          if (listener.lines.get(registration) === line) listener.lines.delete(registration);
          if (listener.lines.size === 0) close(port, listener);
        },
      };
    },
    /** Why a port is not open. */
    trouble: (port: number): string | undefined => listeners.get(port)?.trouble,
    state: () => ({ ports: listeners.size, connections: sockets.size, strangers: strangers.size, ...counted }),
    [Symbol.dispose](): void {
      for (const [port, listener] of listeners) close(port, listener);
      for (const socket of sockets) socket.destroy();
    },
  };
}
export type DialIn = ReturnType<typeof createDialIn>;
