import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { configSchema } from './config-schema.ts';

/** Reads the configuration; the only reader of process.env. */

export type Config = z.infer<typeof configSchema> & { adminPassword: string | undefined };

export const projectRoot = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Where this machine reaches what listens on `host`. */
export const ownAddress = (host: string): string => (/^(0\.0\.0\.0|::)$/.test(host) ? '127.0.0.1' : host);

/** Where the rows are: a `postgres://` URL, or the file of SQLite. */
export const databaseOf = ({ database, data }: Config): string => database.url || join(data.dir, 'hearthgate.sqlite');

export const spoolLimits = ({ readings }: Config) => ({
  commitWaitMs: readings.commitWaitMs,
  segmentBytes: readings.spoolSegmentBytes,
  maxBytes: readings.spoolMaxBytes,
  maxAgeMs: readings.spoolMaxAgeHours * HOUR_MS,
  minFreeBytes: readings.minFreeBytes,
});

export const importLimits = ({ provisioning }: Config) => ({
  rows: provisioning.importRows,
  bytes: provisioning.importBytes,
  /** How long the credentials of an import can be fetched. */
  exportMs: provisioning.exportHours * HOUR_MS,
});

const SHORTEST_PASSWORD = 8;

/** Not settings of the gateway itself. */
const APART = new Set(['HEARTHGATE_CONFIG', 'HEARTHGATE_ADMIN_PASSWORD', 'HEARTHGATE_URL', 'HEARTHGATE_API_KEY']);

type Environment = Record<string, string | undefined>;

/** `HEARTHGATE_MODBUS__POLL_EVERY_S=5` → `{ modbus: { pollEveryS: '5' } }`, laid over what the file says. */
function overlay(settings: Record<string, unknown>, env: Environment): Record<string, unknown> {
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('HEARTHGATE_') || APART.has(name) || value === undefined) continue;
    const path = name
      .slice('HEARTHGATE_'.length)
      .split('__')
      .map((word) => word.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()));
    const key = path.pop() ?? '';
    let level = settings;
    for (const step of path) {
      const inner = level[step];
      const next = typeof inner === 'object' && inner !== null ? { ...inner } : {};
      level[step] = next;
      level = next as Record<string, unknown>;
    }
    level[key] = value;
  }
  return settings;
}

/**
 * Reads the file (`HEARTHGATE_CONFIG`, else config/gateway.yaml) and lays the environment over it.
 * Folders in `files` are relative to the file, `data.dir` to the working directory. Throws with every setting that is wrong.
 */
export function loadConfig(env: Environment = process.env): Config {
  const file = env['HEARTHGATE_CONFIG'] ?? resolve(projectRoot, 'config/gateway.yaml');
  if (!existsSync(file)) throw new Error(`no configuration file ${file}`);
  const settings = z.record(z.string(), z.unknown()).parse(parse(readFileSync(file, 'utf8')) ?? {});
  const result = configSchema.safeParse(overlay(settings, env));
  if (!result.success) {
    const wrong = result.error.issues.map((issue) => `  ${issue.path.join('.') || 'top level'}: ${issue.message}`);
    throw new Error(`${file} (with HEARTHGATE_* over it) is wrong:\n${wrong.join('\n')}`);
  }
  const config = result.data;
  const here = dirname(resolve(file));
  config.files.profiles = resolve(here, config.files.profiles);
  config.files.areas = resolve(here, config.files.areas);
  config.files.policies = resolve(here, config.files.policies);
  const { weather } = config;
  if (weather.file !== '') weather.file = resolve(here, weather.file);
  if (weather.kind !== 'none' && weather[weather.kind === 'file' ? 'file' : 'url'] === '')
    throw new Error(
      `${file} is wrong:\n  weather: kind ${weather.kind} needs ${weather.kind === 'file' ? 'a file' : 'a url'}`,
    );
  config.files.tariffs = resolve(here, config.files.tariffs);
  config.data.dir = resolve(config.data.dir);
  const adminPassword = env['HEARTHGATE_ADMIN_PASSWORD'] || undefined;
  if (adminPassword !== undefined && adminPassword.length < SHORTEST_PASSWORD) {
    throw new Error(`HEARTHGATE_ADMIN_PASSWORD needs at least ${SHORTEST_PASSWORD} characters`);
  }
  return { ...config, adminPassword };
}

const HOUR_MS = 3_600_000;

/** One terminal has a hundredth of the quarantine's bytes, or what a few of the largest messages take. */
const QUARANTINE_SHARES = 100;
const LARGEST_MESSAGES = 4;

export const quarantineLimits = ({ readings, mqtt }: Config) => ({
  rows: readings.quarantineRows,
  rowsPerTerminal: readings.quarantinePerTerminal,
  bytes: readings.quarantineBytes,
  bytesPerTerminal: Math.max(readings.quarantineBytes / QUARANTINE_SHARES, LARGEST_MESSAGES * mqtt.maxPacketBytes),
  commitWaitMs: readings.commitWaitMs,
});

/** What a person may see of a configuration: without its secrets. */
export function shownConfig({ adminPassword: _secret, ...config }: Config): object {
  const hidden = (secret: string) => secret && '…';
  const withoutUser = (url: string) => url.replace(/\/\/[^@/]*@/, '//…@');
  const { database, meters, mqtt, timeseries, weather, payments } = config;
  const { password, passwords } = meters;
  const { wechat, alipay } = payments;
  const { external } = mqtt;
  return {
    ...config,
    mqtt: {
      ...mqtt,
      external: { ...external, url: withoutUser(external.url), password: hidden(external.password) },
    },
    meters: {
      ...meters,
      password: hidden(password),
      passwords: Object.fromEntries(Object.entries(passwords).map(([profile, secret]) => [profile, hidden(secret)])),
    },
    database: { url: withoutUser(database.url) },
    // A service's key often stands in the query.
    weather: { ...weather, url: withoutUser(weather.url).replace(/\?.*/, '?…') },
    payments: {
      ...payments,
      wechat: { ...wechat, privateKey: hidden(wechat.privateKey), apiV3Key: hidden(wechat.apiV3Key) },
      alipay: { ...alipay, privateKey: hidden(alipay.privateKey) },
    },
    timeseries: { ...timeseries, token: hidden(timeseries.token), password: hidden(timeseries.password) },
  };
}
