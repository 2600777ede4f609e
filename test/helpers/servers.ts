import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, globSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { freePort } from '../../src/demo/free-port.ts';
import { end } from './process.ts';
import { eventually, tempFolder } from './temp.ts';

/** Real servers of other makers, each with a folder and a port of its own. */

const initdb = globSync('/usr/lib/postgresql/*/bin/initdb').at(-1);

/** Why a test that needs the server must be skipped, or undefined. */
export const noPostgres = initdb ? undefined : 'postgresql could not be installed';
export const noInflux1 = existsSync('/usr/bin/influxd') ? undefined : 'influxdb could not be installed';

/** The same server's other database. */
export function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = name;
  return url.href;
}

export async function query(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.query(statement);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Whether it answers a query: while it starts up it accepts connections and refuses them. */
const answers = (url: string): Promise<boolean> =>
  query(url, 'select 1').then(
    () => true,
    () => false,
  );

/** No test cuts the power of this server, so it need not wait for the disk. */
const UNSAFE = ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off'];

/** PostgreSQL refuses to run as root, so root starts it as the user that Debian's package makes. */
const asPostgres = (command: string, args: string[]): [string, string[]] =>
  process.getuid?.() === 0 ? ['runuser', ['-u', 'postgres', '--', command, ...args]] : [command, args];

export async function startPostgres(): Promise<AsyncDisposable & { url: string }> {
  if (!initdb) throw new Error(noPostgres);
  const folder = await tempFolder();
  const port = await freePort();
  const data = join(folder.path, 'postgres');
  chmodSync(folder.path, 0o777);
  execFileSync(...asPostgres(initdb, ['-D', data, '-U', 'hearthgate', '-A', 'trust', '-E', 'UTF8', '--no-sync']), {
    cwd: '/',
    stdio: 'ignore',
  });
  const settings = ['listen_addresses=127.0.0.1', ...UNSAFE].flatMap((setting) => ['-c', setting]);
  const options = ['-D', data, '-p', String(port), '-k', data, ...settings];
  const server = spawn(...asPostgres(join(dirname(initdb), 'postgres'), options), { cwd: '/', stdio: 'ignore' });
  const url = `postgres://hearthgate@127.0.0.1:${port}/postgres`;
  await eventually(() => answers(url), 20_000);
  return {
    url,
    async [Symbol.asyncDispose]() {
      // SIGINT is PostgreSQL's fast shutdown; runuser passes only SIGTERM on, which waits for clients that are gone by now.
      await end(server, 'SIGTERM');
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** InfluxDB 1.x, whose files lie in a folder of its own, so that it can be stopped and started again; `env` has more settings. */
export async function startInflux1(
  folder: string,
  port: number,
  env: Record<string, string> = {},
): Promise<AsyncDisposable & { url: string }> {
  const config = join(folder, 'influxdb.conf');
  const quoted = (name: string) => JSON.stringify(join(folder, name));
  const lines = [
    'reporting-disabled = true',
    `bind-address = "127.0.0.1:${await freePort()}"`,
    `[meta]\n dir = ${quoted('meta')}`,
    `[data]\n dir = ${quoted('data')}\n wal-dir = ${quoted('wal')}\n query-log-enabled = false`,
    `[http]\n bind-address = "127.0.0.1:${port}"\n log-enabled = false`,
    '[logging]\n level = "error"',
  ];
  writeFileSync(config, lines.join('\n'));
  const server = spawn('/usr/bin/influxd', ['-config', config], { stdio: 'ignore', env: { ...process.env, ...env } });
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => (await fetch(`${url}/ping`)).ok, 20_000);
  return { url, [Symbol.asyncDispose]: async () => void (await end(server, 'SIGTERM')) };
}

export const noMosquitto = existsSync('/usr/sbin/mosquitto') ? undefined : 'mosquitto could not be installed';

const opensPort = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

/** Mosquitto with a folder of its own, so that it can be stopped and started again; `lines` are more of its configuration. */
export async function startMosquitto(
  folder: string,
  port: number,
  lines: string[] = ['allow_anonymous true'],
): Promise<AsyncDisposable & { url: string; pid: number }> {
  const config = join(folder, 'mosquitto.conf');
  const own = [
    `listener ${port} 127.0.0.1`,
    'user root',
    'persistence true',
    `persistence_location ${folder}/`,
    'max_queued_messages 0',
    'max_inflight_messages 2000',
    'set_tcp_nodelay true',
  ];
  writeFileSync(config, `${[...own, ...lines].join('\n')}\n`);
  const server = spawn('/usr/sbin/mosquitto', ['-c', config], { stdio: 'ignore' });
  await eventually(() => opensPort(port), 20_000);
  return {
    url: `mqtt://127.0.0.1:${port}`,
    pid: server.pid ?? 0,
    [Symbol.asyncDispose]: async () => void (await end(server, 'SIGTERM')),
  };
}
