import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig, projectRoot, shownConfig } from '../src/config.ts';
import { tempFolder } from './helpers/temp.ts';

async function load(yaml: string, env: Record<string, string> = {}) {
  await using folder = await tempFolder();
  const file = join(folder.path, 'gateway.yaml');
  await writeFile(file, yaml);
  return loadConfig({ HEARTHGATE_CONFIG: file, ...env });
}

describe('a wrong setting stops the start and is named', () => {
  test.each<[string, string, Record<string, string>, string]>([
    ['a key that does not exist', 'http: { prot: 1 }', {}, 'http: Unrecognized key: "prot"'],
    ['a port out of range', 'mqtt: { port: 70000 }', {}, 'mqtt.port'],
    ['a word for a number', '', { HEARTHGATE_HTTP__PORT: 'eighty' }, 'http.port'],
    ['a variable that sets nothing', '', { HEARTHGATE_HTP__PORT: '1' }, 'Unrecognized key: "htp"'],
    ['a store that does not exist', 'timeseries: { kind: access97 }', {}, 'timeseries.kind'],
  ])('%s', async (_case, yaml, env, message) => {
    await expect(load(yaml, env)).rejects.toThrow(message);
  });

  test('a password that anybody could guess', async () => {
    await expect(load('', { HEARTHGATE_ADMIN_PASSWORD: 'short' })).rejects.toThrow('at least 8 characters');
    // As a compose file gives it when the variable is not set.
    expect((await load('', { HEARTHGATE_ADMIN_PASSWORD: '' })).adminPassword).toBeUndefined();
  });

  test('a file that does not exist', () => {
    expect(() => loadConfig({ HEARTHGATE_CONFIG: '/nowhere.yaml' })).toThrow('no configuration file /nowhere.yaml');
  });
});

test('the environment lies over the file', async () => {
  const config = await load('http: { port: 1000 }\nmqtt: { port: 2000 }', {
    HEARTHGATE_HTTP__PORT: '9080',
    HEARTHGATE_MODBUS__POLL_EVERY_S: '5',
    HEARTHGATE_ADMIN_PASSWORD: 'secret-of-mine',
  });
  expect(config).toMatchObject({
    http: { port: 9080 },
    mqtt: { port: 2000 },
    modbus: { pollEveryS: 5 },
    adminPassword: 'secret-of-mine',
  });
});

test('what is shown of a configuration holds no secret', async () => {
  const config = await load('database: { url: "postgres://user:hidden-1@host/db" }', {
    HEARTHGATE_ADMIN_PASSWORD: 'hidden-2',
    HEARTHGATE_TIMESERIES__TOKEN: 'hidden-3',
    HEARTHGATE_TIMESERIES__PASSWORD: 'hidden-4',
    HEARTHGATE_METERS__PASSWORD: '864209',
  });
  expect(config.meters.password).toBe('864209');
  expect(JSON.stringify(shownConfig(config))).not.toMatch(/hidden|864209/);
});

test('config/gateway.yaml shows every setting with its default', async () => {
  const shipped = await readFile(join(projectRoot, 'config/gateway.yaml'), 'utf8');
  const { adminPassword: _none, data: _data, files: _files, ...defaults } = await load('');
  const { data: _d, files: _f, ...shown } = parse(shipped);
  expect(shown).toEqual(defaults);
  for (const optional of ['pollEveryS', 'tls']) expect(shipped).toContain(`# ${optional}:`);
});
