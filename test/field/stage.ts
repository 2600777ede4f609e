import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { startModbusLine } from '../../device-sim/modbus-server.ts';
import { projectRoot } from '../../src/config.ts';
import { tempFolder } from '../helpers/temp.ts';
import { type Device, profileOf, simulate, TWINS } from '../modbus/devices.ts';

/** The command line as an engineer types it, beside simulated devices. */

export interface Said {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** In English, and `during` may look at what it said so far. */
export function run(args: string[], during?: (said: Said, interrupt: () => void) => void): Promise<Said> {
  const child = spawn(process.execPath, [join(projectRoot, 'src/cli.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  const said: Said = { code: null, stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (text) => {
      said[stream] += text;
      during?.(said, () => void child.kill('SIGINT'));
    });
  }
  onTestFinished(() => void child.kill('SIGKILL'));
  return once(child, 'close').then(([code]) => ({ ...said, code: typeof code === 'number' ? code : null }));
}

export const inEnglish = (...args: string[]) => run([...args, '--lang', 'en']);

export const twins = profileOf(TWINS);

/** A box with units; those of the given framing. */
export async function startBox({
  units,
  values = {},
  framing = 'tcp',
}: {
  units: number[];
  values?: Record<string, number>;
  framing?: 'tcp' | 'rtu';
}) {
  const devices = units.map(
    (unit): Device => ({
      unit,
      profile: twins,
      values: () => ({ supply_c: 40 + unit, return_c: 30, setpoint_c: 20, ...values }),
    }),
  );
  const simulated = simulate(devices);
  const line = await startModbusLine({ host: '127.0.0.1', port: 0, framing }, simulated.parts);
  onTestFinished(async () => {
    simulated.stop();
    await line[Symbol.asyncDispose]();
  });
  const scheme = framing === 'rtu' ? 'rtu+tcp' : 'tcp';
  return { ...simulated, url: `${scheme}://127.0.0.1:${line.port}` };
}

/** A server that does with its clients whatever the test says. */
export async function startServer(greet: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    greet(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** A file in a folder of the test's own. */
export async function fileOf(name: string, text: string): Promise<string> {
  const folder = await tempFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const file = join(folder.path, name);
  await writeFile(file, text);
  return file;
}
