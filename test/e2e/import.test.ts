import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { projectRoot } from '../../src/config.ts';
import { openToRead } from '../../src/db/database.ts';
import { freePort } from '../../src/demo/free-port.ts';
import type { FileImport } from '../../src/http/schemas/provisioning.ts';
import { createLog } from '../../src/lib/log.ts';
import { xlsxOfSheet } from '../../src/reports/xlsx.ts';
import { connectTerminal, makeTerminal, sendReading, startTestGateway } from '../helpers/gateway.ts';
import { finished, upload } from '../helpers/imports.ts';
import { adminOf, spawnGateway } from '../helpers/process.ts';
import { noPostgres, startPostgres } from '../helpers/servers.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

/** A file of terminals from the command line, under load, and when the gateway dies in the middle. */

/** Two gateways one after another, each of which has to start. */
vi.setConfig({ testTimeout: 120_000 });

const sheet = (rows: number, prefix = 'T') =>
  `id,profile,areaCode\n${Array.from({ length: rows }, (_, n) => `${prefix}${n},gas-boiler,141023105201\n`).join('')}`;

async function cli(args: string[], env: Record<string, string> = {}, kind = 'terminals') {
  const child = spawn(process.execPath, [join(projectRoot, 'src/cli.ts'), 'import', kind, ...args], {
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

test('the command line imports households from a workbook, and says how many balances it booked', async () => {
  await using folder = await tempFolder();
  await using gateway = await startTestGateway();
  await gateway.admin.post('/companies', { name: '供热' });
  const key = await makeKey(gateway.admin);
  const file = join(folder.path, 'households.xlsx');
  async function* rows(): AsyncGenerator<(string | bigint)[]> {
    yield ['A-1', '张三', '141023105201', '供热', -1_250n];
    yield ['A-2', '李四', '141023105201', '供热', ''];
  }
  const titles = ['户号', '户名', '区域代码', '企业', '期初余额'];
  await writeFile(file, xlsxOfSheet({ titles, rows: rows() }));
  const to = [file, '--url', gateway.origin, '--key', key, '--lang', 'en'];
  const dry = await cli([...to, '--dry-run'], {}, 'households');
  expect(dry.stdout).toBe('done: 2 rows, would be created 2, unchanged 0, balances would be booked 1\n');
  const done = await cli(to, {}, 'households');
  expect([done.code, done.stdout]).toEqual([0, 'done: 2 rows, created 2, unchanged 0, balances booked 1\n']);
});

test('the command line names each error by row and column, and what keeps it from asking', async () => {
  await using folder = await tempFolder();
  await using gateway = await startTestGateway();
  const key = await makeKey(gateway.admin);
  const [file, errors] = [join(folder.path, 'terminals.csv'), join(folder.path, 'errors.csv')];
  await writeFile(file, `${sheet(2)}T9,steam-engine,\n`);
  const refused = await cli([file, '--url', gateway.origin, '--key', key, '--errors', errors]);
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain('文件有错误: 什么也没有导入');
  expect(refused.stdout).toContain('第 4 行，终端类型 “steam-engine”: 没有这种终端类型');
  expect(await readFile(errors, 'utf8')).toContain('4,profile,终端类型,steam-engine,unknown_profile');
  const unkeyed = await cli([file, '--url', gateway.origin], { HEARTHGATE_API_KEY: '' });
  expect([unkeyed.code, unkeyed.stderr]).toEqual([1, expect.stringContaining('give an API key')]);
  const wrong = await cli([file, '--url', gateway.origin, '--key', 'x'.repeat(43)]);
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('unauthenticated')]);
  const nobody = await cli([file, '--url', `http://127.0.0.1:${await freePort()}`, '--key', key]);
  expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining('ECONNREFUSED')]);
});

const homes = (rows: number) =>
  `accountNo,name,areaCode,heatingBalance,deposit\n${Array.from({ length: rows }, (_, n) => `H${n},户${n},141023105201,${n % 2 === 0 ? '-1.50' : '20'},5\n`).join('')}`;

/** Everything of the ledger's accounts, summed by kind. */
async function sumsOf(folder: string): Promise<Record<string, number>> {
  await using db = openToRead(join(folder, 'data', 'hearthgate.sqlite'), createLog('silent'));
  const rows = await db
    .selectFrom('entries')
    .innerJoin('accounts', 'accounts.id', 'entries.credit')
    .select((row) => ['accounts.kind', row.fn.sum<number>('entries.amountFen').as('sum')])
    .groupBy('accounts.kind')
    .execute();
  return Object.fromEntries(rows.map(({ kind, sum }) => [kind, Number(sum)]));
}

/** Begins an import, kills the gateway when it has come so far, and gives the import's id. Nobody has seen any of it until then. */
async function killedAt(
  isSoFar: (one: FileImport) => boolean,
  { folder, ports }: { folder: string; ports: { http: number; mqtt: number } },
  [kind, file]: [kind: FileImport['kind'], file: string] = ['terminals', sheet(8_000)],
): Promise<string> {
  await using gateway = await spawnGateway(folder, ports);
  const admin = await adminOf(gateway);
  await admin.post('/companies', { name: '供热' });
  const { id } = (await upload({ origin: gateway.origin, token: admin.token }, file, '', kind)).body;
  await eventually(async () => isSoFar((await admin.get<FileImport>(`/imports/${id}`)).body), 30_000);
  expect((await admin.get<{ items: unknown[] }>(`/${kind}`)).body.items).toEqual([]);
  await gateway.kill();
  return id;
}

describe('a gateway that is killed goes on with the import by itself', () => {
  test.each(['checking', 'writing', 'booking'] as const)('of households, while it is %s', async (state) => {
    await using folder = await tempFolder();
    const ports = { http: await freePort(), mqtt: await freePort() };
    const file = homes(8_000).replaceAll('\n', ',供热\n').replace(',供热', ',company');
    const id = await killedAt((one) => one.state === state, { folder: folder.path, ports }, ['households', file]);
    await using second = await spawnGateway(folder.path, ports);
    const admin = await adminOf(second);
    const who = { origin: second.origin, token: admin.token };
    const { body } = await admin.get<FileImport>(`/imports/${id}`);
    expect(await finished(who, body, 60_000)).toMatchObject({
      state: 'done',
      rows: 8_000,
      created: 8_000,
      booked: 8_000,
    });
    await second.stop();
    expect(await sumsOf(folder.path)).toEqual({ heating: 4_000 * 2_000, deposit: 8_000 * 500, opening: 4_000 * 150 });
  });

  test('of terminals, while it is writing', async () => {
    await using folder = await tempFolder();
    const ports = { http: await freePort(), mqtt: await freePort() };
    const isHalfWritten = ({ state, progress }: FileImport) => state === 'writing' && progress > 0.55;
    const id = await killedAt(isHalfWritten, { folder: folder.path, ports });
    await using second = await spawnGateway(folder.path, ports);
    const admin = await adminOf(second);
    const who = { origin: second.origin, token: admin.token };
    const { body } = await admin.get<FileImport>(`/imports/${id}`);
    expect(await finished(who, body, 60_000)).toMatchObject({ state: 'done', rows: 8_000, created: 8_000 });
    expect((await admin.get('/terminals/T7999')).status).toBe(200);
    expect(await readdir(join(folder.path, 'data', 'imports'))).toEqual([]);
  });
});

test('an import whose file was cut off on the disk fails at the next start, and nothing of it is there', async () => {
  await using folder = await tempFolder();
  const ports = { http: await freePort(), mqtt: await freePort() };
  const id = await killedAt(({ state }) => state === 'writing', { folder: folder.path, ports });
  // At the end of a line, so that what is left is a good file.
  await truncate(join(folder.path, 'data', 'imports', id), sheet(4_000).length);
  await using second = await spawnGateway(folder.path, ports);
  const admin = await adminOf(second);
  const { body } = await admin.get<FileImport>(`/imports/${id}`);
  const who = { origin: second.origin, token: admin.token };
  expect(await finished(who, body, 60_000)).toMatchObject({ state: 'failed', created: 0 });
  expect((await admin.get<{ items: unknown[] }>('/terminals')).body.items).toEqual([]);
});

test('a gateway that is stopped in the middle of an import stops at once, and goes on with it afterwards', async () => {
  await using folder = await tempFolder();
  const ports = { http: await freePort(), mqtt: await freePort() };
  const file = sheet(20_000);
  let id: string;
  {
    await using first = await spawnGateway(folder.path, ports);
    const admin = await adminOf(first);
    id = (await upload({ origin: first.origin, token: admin.token }, file)).body.id;
    await eventually(async () => (await admin.get<FileImport>(`/imports/${id}`)).body.progress > 0.1, 30_000);
    expect(await first.stop()).toBe(0);
  }
  await using second = await spawnGateway(folder.path, ports);
  const admin = await adminOf(second);
  const { body } = await admin.get<FileImport>(`/imports/${id}`);
  const who = { origin: second.origin, token: admin.token };
  expect(await finished(who, body, 60_000)).toMatchObject({ state: 'done', created: 20_000 });
});

test('an import that is cancelled while it writes ends at once and has imported nothing', async () => {
  await using gateway = await startTestGateway();
  const { origin, admin } = gateway;
  const who = { origin, token: admin.token };
  const { body } = await upload(who, sheet(8_000));
  const waits = (await upload(who, sheet(10, 'W'))).body;
  expect((await admin.post<FileImport>(`/imports/${waits.id}/cancel`)).body.state).toBe('cancelled');
  await eventually(async () => (await admin.get<FileImport>(`/imports/${body.id}`)).body.state === 'writing');
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
