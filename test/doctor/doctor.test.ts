import { existsSync, globSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { projectRoot } from '../../src/config.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { policiesAtAnyTime } from '../helpers/batches.ts';
import {
  ADMIN,
  connectTerminal,
  makeHousehold,
  makeTerminal,
  sendReading,
  startTestGateway,
} from '../helpers/gateway.ts';
import { spawnGateway } from '../helpers/process.ts';
import { NO_SMALL_DISK, smallDisk } from '../helpers/small-disk.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';
import { diagnosis, runDoctor } from './stage.ts';

/** The files of a folder with their sizes and times of change: what anybody who writes would change. */
const traceOf = (folder: string) =>
  globSync('**', { cwd: folder })
    .sort()
    .map((name) => ({ name, stat: statSync(join(folder, name)) }))
    .filter(({ stat }) => stat.isFile())
    .map(({ name, stat }) => [name, stat.size, stat.mtimeMs]);

/** The data of a gateway that has run and stopped. */
let used: Awaited<ReturnType<typeof tempFolder>>;

beforeAll(async () => {
  used = await tempFolder();
  await using gateway = await startTestGateway({ folder: used.path });
  const client = await connectTerminal(gateway, await makeTerminal(gateway.admin, { id: 'A', profile: 'gas-boiler' }));
  for (let n = 0; n < 5; n += 1) await sendReading(client, 'A', { room_c: n }, Date.now() + n);
  await client.endAsync();
  const { household, clerk } = await makeHousehold(gateway);
  const paid = { amountFen: 500, method: 'cash', reference: 'r' };
  await clerk.post(`/households/${household.id}/payments`, paid, { 'idempotency-key': 'doctor' });
  await eventually(async () => {
    const metrics = await (await fetch(`${gateway.origin}/metrics`)).text();
    return /^hearthgate_spool_waiting 0$/m.test(metrics);
  });
});
afterAll(() => used[Symbol.asyncDispose]());

/** A copy that may be spoilt. */
async function copyOfUsed() {
  const folder = await tempFolder();
  await cp(join(used.path, 'data'), folder.path, { recursive: true });
  return folder;
}

/** A configuration file beside the shipped profiles and areas. */
async function withConfig(yaml: string) {
  const folder = await tempFolder();
  await cp(join(projectRoot, 'config'), folder.path, { recursive: true });
  const file = join(folder.path, 'gateway.yaml');
  writeFileSync(file, yaml);
  return Object.assign(folder, { settings: { HEARTHGATE_CONFIG: file } });
}

/** The shipped holidays come to their end. */
const onAnyDay = async (folder: string) => ({ HEARTHGATE_FILES__POLICIES: await policiesAtAnyTime(folder) });

describe('where all is well', () => {
  test('on a new machine it finds nothing wrong, and leaves nothing behind', async () => {
    await using folder = await tempFolder();
    await using others = await tempFolder();
    const { code, findings, notOk } = await diagnosis(join(folder.path, 'data'), await onAnyDay(others.path));
    expect({ code, notOk: notOk.filter((one) => one !== 'disk warn') }).toEqual({ code: 0, notOk: [] });
    expect(findings.map(({ name }) => name)).toEqual([
      'node',
      'config',
      'profiles',
      'areas',
      'policies',
      'data_folder',
      'disk',
      'gateway',
      'http_port',
      'mqtt_port',
      'spool',
      'database',
      'timeseries',
      'clock',
    ]);
    expect(findings.filter(({ state, remedy }) => (state === 'ok') !== (remedy === null))).toEqual([]);
    expect(traceOf(folder.path)).toEqual([]);
  });

  test('it opens what a stopped gateway left, and changes none of it', async () => {
    const before = traceOf(used.path);
    const { code, of } = await diagnosis(join(used.path, 'data'));
    expect(code).toBe(0);
    expect(of('spool')).toMatchObject({ state: 'ok', detail: '1 segments, 5 records' });
    expect(of('database')).toMatchObject({ state: 'ok', detail: 'SQLite, tables up to date' });
    expect(of('ledger')).toMatchObject({ state: 'ok', detail: '1 entries, and every balance is their sum' });
    expect(of('timeseries')).toMatchObject({ state: 'ok', detail: expect.stringMatching(/^DuckDB, \d+ files open$/) });
    expect(traceOf(used.path)).toEqual(before);
  });

  test('it speaks Chinese, a line for each, without colour where nobody looks, and English when asked', async () => {
    const folder = join(used.path, 'data');
    const { output } = await runDoctor(folder);
    expect(output).toMatch(/^正常 {2}Node：/);
    expect(output).not.toContain('\u001b');
    const lines = output.trim().split('\n');
    expect(lines.filter((line) => !/^(正常|注意|失败) {2}.+：.+|^ {6}→ 处理：.+/.test(line))).toEqual([]);
    const english = (await runDoctor(folder, {}, ['--lang', 'en'])).output;
    expect(english).toMatch(/^ok {4}Node: /);
    expect(english).not.toMatch(/\p{Script=Han}/u);
  });
});

describe('beside a running gateway', () => {
  test('it asks the gateway, finds its ports held by it, and changes nothing', async () => {
    await using folder = await tempFolder();
    const ports = { http: await freePort(), mqtt: await freePort() };
    await using others = await tempFolder();
    const policies = await onAnyDay(others.path);
    await using gateway = await spawnGateway(folder.path, ports, policies);
    const settings = {
      HEARTHGATE_HTTP__PORT: String(ports.http),
      HEARTHGATE_MQTT__PORT: String(ports.mqtt),
      ...policies,
    };
    const data = join(folder.path, 'data');
    // The gateway itself writes it a little after its start.
    await eventually(() => existsSync(join(data, 'audit-head.log')), 15_000);
    const before = traceOf(data);
    const { code, of } = await diagnosis(data, settings);
    expect(code).toBe(0);
    expect(of('gateway')).toMatchObject({ state: 'ok', detail: 'runs, and is well' });
    for (const name of ['http_port', 'mqtt_port']) expect(of(name)?.detail).toMatch(/held by the running gateway$/);
    for (const name of ['spool', 'database', 'timeseries']) {
      expect(of(name)).toMatchObject({ state: 'ok', detail: expect.stringMatching(/^the running gateway: /) });
    }
    expect(traceOf(data)).toEqual(before);

    process.kill(gateway.pid, 'SIGSTOP');
    const hanging = await diagnosis(data, settings);
    process.kill(gateway.pid, 'SIGCONT');
    expect(hanging.code).toBe(1);
    expect(hanging.of('gateway')).toMatchObject({ state: 'fail', detail: 'runs, and /health/ready does not answer' });
  }, 60_000);

  test('a port that another program holds is named with the setting that changes it', async () => {
    await using other = await startTestGateway();
    await using folder = await tempFolder();
    const { code, of } = await diagnosis(folder.path, { HEARTHGATE_MQTT__PORT: String(other.mqttPort) });
    expect(code).toBe(1);
    expect(of('mqtt_port')).toMatchObject({ state: 'fail', detail: expect.stringContaining('EADDRINUSE') });
    expect(of('mqtt_port')?.remedy).toContain('HEARTHGATE_MQTT__PORT');
  });
});

describe('what is wrong with the configuration is named', () => {
  test.each([
    ['YAML that breaks off', 'http: { port: 1', 'line 1'],
    ['a key that does not exist', 'http: { prot: 1 }', 'http: Unrecognized key: "prot"'],
  ])('%s', async (_case, yaml, said) => {
    await using folder = await withConfig(yaml);
    const { code, findings } = await diagnosis(join(folder.path, 'data'), folder.settings);
    expect(code).toBe(1);
    expect(findings.at(-1)).toMatchObject({ name: 'config', state: 'fail', detail: expect.stringContaining(said) });
    expect(findings.at(-1)?.detail).not.toContain('\n');
  });

  test('a profile, and a file of areas', async () => {
    await using folder = await withConfig('');
    writeFileSync(join(folder.path, 'profiles/gas-boiler.yaml'), 'profile: gas-boiler\nmetrics: 7\n');
    writeFileSync(join(folder.path, 'areas/more.csv'), 'code,name,level,parent\n14102399,somewhere,9,141023\n');
    const { code, of } = await diagnosis(join(folder.path, 'data'), folder.settings);
    expect(code).toBe(1);
    expect(of('profiles')?.detail).toMatch(/gas-boiler\.yaml:\d+:\d+ /);
    expect(of('areas')?.detail).toMatch(/more\.csv: .*level is 3, 4, 5 or 6/);
  });

  test('a policy that cannot be read, and one whose holidays come to their end', async () => {
    await using folder = await withConfig('');
    const file = join(folder.path, 'policies/default.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/^ {2}until: .*/m, '  until: 2026-01-01'));
    const ending = await diagnosis(join(folder.path, 'data'), folder.settings);
    expect(ending.of('policies')).toMatchObject({ state: 'warn', detail: expect.stringContaining('0 more days') });
    writeFileSync(file, text.replace('withinS: 900', 'withinS: soon'));
    const { code, of } = await diagnosis(join(folder.path, 'data'), folder.settings);
    expect([code, of('policies')]).toMatchObject([
      1,
      { state: 'fail', detail: expect.stringMatching(/default\.yaml:\d+/) },
    ]);
  });
});

describe('what is wrong with the data is named, and whether it stops the gateway', () => {
  test('a disk on which nothing can be written', async ({ skip }) => {
    await using disk = await smallDisk(300, 'ro');
    if (!disk) return skip(NO_SMALL_DISK);
    const { code, of } = await diagnosis(join(disk.path, 'data'));
    expect(code).toBe(1);
    expect(of('data_folder')).toMatchObject({ state: 'fail', detail: expect.stringContaining('EROFS') });
  });

  test('a disk that is too small', async ({ skip }) => {
    await using small = await smallDisk(20);
    await using middling = await smallDisk(300);
    if (!small || !middling) return skip(NO_SMALL_DISK);
    expect((await diagnosis(small.path)).of('disk')).toMatchObject({ state: 'fail' });
    expect((await diagnosis(middling.path)).notOk).toContain('disk warn');
  });

  test('a folder that is a file', async () => {
    await using folder = await tempFolder();
    const file = join(folder.path, 'data');
    writeFileSync(file, 'not a folder');
    const { code, of } = await diagnosis(file);
    expect([code, of('data_folder')?.state]).toEqual([1, 'fail']);
    expect(readFileSync(file, 'utf8')).toBe('not a folder');
  });

  test('a damaged record of the spool costs only itself', async () => {
    await using folder = await copyOfUsed();
    const [segment = ''] = globSync(join(folder.path, 'spool/*.log'));
    const bytes = readFileSync(segment);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    writeFileSync(segment, bytes);
    const { code, of } = await diagnosis(folder.path);
    expect([code, of('spool')?.state, of('spool')?.detail]).toEqual([0, 'warn', '1 segments, 4 records, 1 damaged']);
  });

  test('a database that is torn, and one of a newer version', async () => {
    await using folder = await copyOfUsed();
    const file = join(folder.path, 'hearthgate.sqlite');
    expect(existsSync(`${file}-wal`)).toBe(false);
    truncateSync(file, Math.floor(statSync(file).size / 8_192) * 4_096);
    const torn = await diagnosis(folder.path);
    expect([torn.code, torn.of('database')?.state]).toEqual([1, 'fail']);
    expect(torn.of('database')?.remedy).toContain('backup');

    await using newer = await copyOfUsed();
    const { DatabaseSync } = await import('node:sqlite');
    const db = new DatabaseSync(join(newer.path, 'hearthgate.sqlite'));
    db.exec("insert into kysely_migration (name, timestamp) values ('9999-later', '2099-01-01')");
    db.close();
    const found = await diagnosis(newer.path);
    expect(found.of('database')).toMatchObject({
      state: 'fail',
      detail: 'a newer version has upgraded it: 9999-later',
    });
  });

  test.each([
    [
      'a balance that somebody wrote',
      'update balances set credit_fen = credit_fen + 1 where credit_fen > 0',
      /^accounts .*: \S+:heating$/,
    ],
    ['a balance that somebody took away', 'delete from balances where credit_fen > 0', /^accounts .*: \S+:heating$/],
    [
      'a line that somebody took away',
      'drop trigger entries_delete; delete from entries',
      /^accounts .*: \S+:cash, \S+:heating; transfers that lack lines: \S+$/,
    ],
  ])('%s is found in the ledger, and named', async (_, statement, said) => {
    await using folder = await copyOfUsed();
    const db = new DatabaseSync(join(folder.path, 'hearthgate.sqlite'));
    db.exec(statement);
    db.close();
    const { code, of } = await diagnosis(folder.path);
    expect(code).toBe(1);
    expect(of('ledger')).toMatchObject({ state: 'fail', detail: expect.stringMatching(said) });
    expect(of('ledger')?.remedy).toContain('audit verify');
  });

  test('a file of the time series store that is none', async () => {
    await using folder = await copyOfUsed();
    const [month = ''] = globSync(join(folder.path, 'readings/*.duckdb'));
    writeFileSync(month, 'rubbish'.repeat(1_000));
    const { code, of } = await diagnosis(folder.path);
    expect([code, of('timeseries')?.state]).toEqual([1, 'fail']);
    expect(of('timeseries')?.remedy).toContain(month);
  });

  test('what a gateway left that was killed is well', async () => {
    await using folder = await tempFolder();
    {
      const ports = { http: await freePort(), mqtt: await freePort() };
      await using gateway = await spawnGateway(folder.path, ports);
      await gateway.kill();
    }
    await mkdir(join(folder.path, 'data'), { recursive: true });
    const { code, of } = await diagnosis(join(folder.path, 'data'));
    expect(code).toBe(0);
    expect(of('gateway')?.detail).toBe('does not run');
    expect(of('database')).toMatchObject({ state: 'ok' });
  });
});

test('no password stands in what it says', async () => {
  await using folder = await tempFolder();
  const settings = {
    HEARTHGATE_ADMIN_PASSWORD: ADMIN.password,
    HEARTHGATE_DATABASE__URL: `postgres://hearthgate:hidden-1@127.0.0.1:${await freePort()}/x`,
    HEARTHGATE_TIMESERIES__KIND: 'influx1',
    HEARTHGATE_TIMESERIES__URL: `http://127.0.0.1:${await freePort()}`,
    HEARTHGATE_TIMESERIES__USERNAME: 'u',
    HEARTHGATE_TIMESERIES__PASSWORD: 'hidden-2',
  };
  for (const language of ['zh', 'en']) {
    const { output, code } = await runDoctor(folder.path, settings, ['--lang', language]);
    expect(code).toBe(1);
    expect(output).not.toMatch(/hidden|correct-horse/);
  }
});
