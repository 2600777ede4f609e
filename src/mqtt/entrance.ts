import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Config } from '../config.ts';
import { type Clock, every } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { RecordSecurity } from '../security/security-events.ts';
import { shownBy, startTls } from './certificates.ts';
import { type Connect, connack, type Greeting, type ReturnCode } from './connect.ts';
import { addressOf, createDoor } from './door.ts';
import { greet } from './firewall.ts';
import type { Logins } from './logins.ts';

/** The MQTT ports: listens, reads each client's CONNECT, and hands on those who are who they say. */

const LOGIN_MS = 10_000;
const SWEEP_MS = 1_000;

/** A client that has proved who it is. Its socket is paused; nothing after the CONNECT is read. */
export interface Guest {
  socket: Socket;
  terminalId: string;
  address: string;
  connect: Connect;
  /** Whether a certificate proved it. */
  certified: boolean;
}

export async function startEntrance(
  config: Config['mqtt'],
  parts: {
    logins: Logins;
    record: RecordSecurity;
    clock: Clock;
    log: Logger;
    admit(guest: Guest): void;
    certificatesChanged(): void;
  },
) {
  const { logins, record, clock, log } = parts;
  await using stack = new AsyncDisposableStack();
  const door = createDoor(
    {
      connections: config.connections,
      connectionsPerAddress: config.connectionsPerAddress,
      connectsPerSecond: config.connectsPerSecond,
      waiting: config.waitingConnections,
      loginMs: LOGIN_MS,
    },
    {
      clock,
      tooMany: (address) =>
        record({
          kind: 'too_many_connections',
          terminalId: null,
          address,
          detail: 'more than may be open or may come',
        }),
    },
  );

  function malformed(
    socket: Socket,
    address: string,
    { wrong, returnCode }: Extract<Greeting, { wrong: string }>,
  ): void {
    record({ kind: 'malformed', terminalId: null, address, detail: `CONNECT: ${wrong}` });
    if (returnCode === undefined) socket.destroy();
    else answer(socket, returnCode);
  }

  function accept(socket: Socket): void {
    if (socket.destroyed) return;
    socket.on('error', () => undefined);
    const address = addressOf(socket.remoteAddress);
    const certificate = socket instanceof TLSSocket && config.tls ? shownBy(socket, config.tls) : undefined;
    if (certificate && 'trouble' in certificate) {
      record({ kind: 'bad_certificate', terminalId: null, address, detail: certificate.trouble });
      return void socket.destroy();
    }
    greet(socket, (greeting) => {
      if ('wrong' in greeting) return malformed(socket, address, greeting);
      const login = logins.check(greeting.connect, address, certificate?.commonName);
      if ('terminalId' in login) {
        door.isKnown(socket);
        parts.admit({ socket, address, ...login, connect: greeting.connect, certified: certificate !== undefined });
        return;
      }
      // One whose answer is late is cut before it when others need its place.
      if (login.delayMs === 0) answer(socket, login.returnCode);
      else clock.after(login.delayMs, () => answer(socket, login.returnCode));
    });
  }

  const sweep = every(clock, SWEEP_MS, door.sweep, (error) =>
    log.error({ err: error }, 'mqtt: looking at the door failed'),
  );
  stack.defer(() => sweep[Symbol.dispose]());
  const plain = createServer().on('connection', door.enter).on('connection', accept);
  stack.defer(() => void plain.close());
  await listen(plain, config.port, config.host);
  const servers: Server[] = [plain];
  if (config.tls) {
    const { server, ...tls } = startTls(config.tls, { clock, log, changed: parts.certificatesChanged });
    stack.use(tls);
    server.on('connection', door.enter).on('secureConnection', accept);
    stack.defer(() => void server.close());
    await listen(server, config.tls.port, config.host);
    servers.push(server);
  }
  const opened = stack.move();
  return {
    ports: servers.map(portOf),
    isListening: () => servers.every((server) => server.listening),
    sockets: door.open,
    cutAll: door.closeAll,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Tells a client why it may not come in, and hears its end. What it says meanwhile is not looked at. */
function answer(socket: Socket, returnCode: ReturnCode): void {
  socket.end(connack(returnCode));
  socket.resume();
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
