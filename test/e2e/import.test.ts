import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../../src/config.ts';
import { freePort } from '../../src/demo/free-port.ts';
import type { TerminalImport } from '../../src/http/schemas/provisioning.ts';
import { connectTerminal, makeTerminal, sendReading, startTestGateway } from '../helpers/gateway.ts';
import { finished, upload } from '../helpers/imports.ts';
import { adminOf, spawnGateway } from '../helpers/process.ts';
import { noPostgres, startPostgres } from '../helpers/servers.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

/** A file of terminals from the command line, under load, and when the gateway dies in the middle. */

const sheet = (rows: number, prefix = 'T') =>
  `id,profile,areaCode\n${Array.from({ length: rows }, (_, n) => `${prefix}${n},gas-boiler,141023105201\n`).join('')}`;

async function cli(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(projectRoot, 'src/cli.ts'), 'import', 'terminals', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (text) => {
      out[stream] += text;
    });
  }
  const [code] = await once(child, 'close');
  return { code, ...out };
}

async function makeKey(api: { post: <T>(path: string, body: unknown) => Promise<{ body: T }> }): Promise<string> {
  return (await api.post<{ key: string }>('/api-keys', { name: 'import', role: 'admin' })).body.key;
}

test('the command line imports a file, says how far it is in plain lines, and keeps the credentials from others', async () => {
  await using folder = await tempFolder();
  await using gateway = await startTestGateway();
  const key = await makeKey(gateway.admin);
  const [file, secrets] = [join(folder.path, 'terminals.csv'), join(folder.path, 'secrets.csv')];
  await writeFile(file, sheet(1_500));
  const to = [file, '--url', gateway.origin, '--lang', 'en'];
  const dry = await cli([...to, '--dry-run'], { HEARTHGATE_API_KEY: key });
  expect([dry.code, dry.stdout]).toEqual([0, 'done: 1500 rows, would be created 1500, unchanged 0\n']);
  const done = await cli([...to, '--key', key, '--credentials', secrets]);
  expect([done.code, done.stdout]).toEqual([0, 'done: 1500 rows, created 1500, unchanged 0\n']);
  expect(done.stderr).toContain('100 % done 1500 rows');
  expect(done.stderr).not.toContain('\r');
  expect((await stat(secrets)).mode & 0o777).toBe(0o600);
  const lines = (await readFile(secrets, 'utf8')).trimEnd().split('\n');
  expect(lines).toHaveLength(1_501);
  const [id = '', , secret = ''] = lines[700]?.split(',') ?? [];
  await (await connectTerminal(gateway, { id, secret })).endAsync();
  expect((await cli([...to, '--key', key])).stdout).toBe('done: 1500 rows, created 0, unchanged 1500\n');
});

test('the command line names each error by row and column, and what keeps it from asking', async () => {
  await using folder = await tempFolder();
  await using gateway = await startTestGateway();
  const key = await makeKey(gateway.admin);
  const [file, errors] = [join(folder.path, 'terminals.csv'), join(folder.path, 'errors.csv')];
  await writeFile(file, `${sheet(2)}T9,steam-engine,\n`);
  const refused = await cli([file, '--url', gateway.origin, '--key', key, '--errors', errors]);
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain('文件有错误: 没有导入任何终端');
  expect(refused.stdout).toContain('第 4 行，profile “steam-engine”: 没有这种终端类型');
  expect(await readFile(errors, 'utf8')).toContain('4,profile,终端类型,steam-engine,unknown_profile');
  const unkeyed = await cli([file, '--url', gateway.origin], { HEARTHGATE_API_KEY: '' });
  expect([unkeyed.code, unkeyed.stderr]).toEqual([1, expect.stringContaining('give an API key')]);
  const wrong = await cli([file, '--url', gateway.origin, '--key', 'x'.repeat(43)]);
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('unauthenticated')]);
  const nobody = await cli([file, '--url', `http://127.0.0.1:${await freePort()}`, '--key', key]);
  expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining('ECONNREFUSED')]);
});

test('a gateway that is killed while it writes has imported nothing, and takes the file afterwards', async () => {
  await using folder = await tempFolder();
  const ports = { http: await freePort(), mqtt: await freePort() };
  const file = sheet(8_000);
  let id: string;
  {
    await using first = await spawnGateway(folder.path, ports);
    const { origin } = first;
    const admin = await adminOf(first);
    id = (await upload({ origin, token: admin.token }, file)).body.id;
    await eventually(async () => (await admin.get<TerminalImport>(`/imports/${id}`)).body.progress > 0.55);
    expect((await admin.get<TerminalImport>(`/imports/${id}`)).body.state).toBe('writing');
    await first.kill();
  }
  await using second = await spawnGateway(folder.path, ports);
  const { origin } = second;
  const admin = await adminOf(second);
  expect((await admin.get<TerminalImport>(`/imports/${id}`)).body).toMatchObject({ state: 'failed', created: 0 });
  expect((await admin.get<{ items: unknown[] }>('/terminals')).body.items).toEqual([]);
  const who = { origin, token: admin.token };
  const again = await finished(who, (await upload(who, file)).body, 60_000);
  expect(again).toMatchObject({ state: 'done', created: 8_000, unchanged: 0 });
});

test('an import that is cancelled has imported nothing', async () => {
  await using gateway = await startTestGateway();
  const { origin, admin } = gateway;
  const who = { origin, token: admin.token };
  const { body } = await upload(who, sheet(8_000));
  await eventually(async () => (await admin.get<TerminalImport>(`/imports/${body.id}`)).body.state === 'writing');
  expect((await admin.post(`/imports/${body.id}/cancel`)).status).toBe(202);
  expect(await finished(who, body, 30_000)).toMatchObject({ state: 'cancelled', created: 0 });
  expect((await admin.get<{ items: unknown[] }>('/terminals')).body.items).toEqual([]);
  expect((await admin.post(`/imports/${body.id}/cancel`)).status).toBe(409);
});

test('readings are acknowledged at once while a file is imported, and other changes come in their turn', async () => {
  await using gateway = await startTestGateway();
  const { origin, admin } = gateway;
  const terminal = await makeTerminal(admin, { id: 'busy', profile: 'gas-boiler' });
  const client = await connectTerminal(gateway, terminal);
  const who = { origin, token: admin.token };
  const { body } = await upload(who, sheet(10_000));
  let done = false;
  const end = finished(who, body, 60_000).finally(() => {
    done = true;
  });
  const change = makeTerminal(admin, { id: 'between', profile: 'gas-boiler' });
  const waits: number[] = [];
  for (let n = 0; !done; n += 1) {
    const began = performance.now();
    await sendReading(client, terminal.id, { room_c: 20 + (n % 5) });
    waits.push(performance.now() - began);
  }
  expect(await end).toMatchObject({ state: 'done', created: 10_000 });
  await change;
  expect(waits.length).toBeGreaterThan(10);
  // Far above what it is, and far below what holding the loop for the whole import would be.
  expect(waits.sort((a, b) => a - b)[Math.floor(waits.length * 0.9)]).toBeLessThan(500);
  await client.endAsync();
});

test('PostgreSQL takes a file as well, and hands its credentials out', async ({ skip }) => {
  skip(noPostgres !== undefined, noPostgres);
  await using postgres = await startPostgres();
  await using gateway = await startTestGateway({ overrides: { database: { url: postgres.url } } });
  const { origin, admin } = gateway;
  const who = { origin, token: admin.token };
  const first = await finished(who, (await upload(who, sheet(500), '?unclaimed=true')).body, 30_000);
  expect(first).toMatchObject({ state: 'done', created: 500 });
  const csv = await fetch(`${origin}/api/v1/imports/${first.id}/credentials`, {
    method: 'POST',
    headers: { authorization: `Bearer ${admin.token}` },
  });
  expect((await csv.text()).trimEnd().split('\n')).toHaveLength(501);
  expect(await finished(who, (await upload(who, sheet(500))).body, 30_000)).toMatchObject({
    created: 0,
    unchanged: 500,
  });
});
