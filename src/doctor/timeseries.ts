import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { z } from 'zod';
import type { Config } from '../config.ts';
import { type Finding, fail, messageOf, ok, type Text } from './finding.ts';
import type { OtherClock } from './machine.ts';

/** The DuckDB files while no gateway runs, or an InfluxDB server at any time. */

const WITHIN_MS = 5_000;

/** Attaches every file for reading only, which also checks what a crash left in its log. */
export async function duckdbFinding(folder: string): Promise<Finding> {
  if (!existsSync(folder))
    return ok('timeseries', { zh: 'DuckDB，首次启动时建立', en: 'DuckDB, made at the first start' });
  const files = (await readdir(folder)).filter((name) => name.endsWith('.duckdb')).sort();
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    for (const name of files) {
      const file = join(folder, name);
      try {
        await connection.run(`attach '${file.replaceAll("'", "''")}' as looked_at (read_only)`);
        await connection.run('detach looked_at');
      } catch (error) {
        return fail('timeseries', `DuckDB: ${messageOf(error)}`, {
          zh: `把 ${file} 移开并保存，再用备份恢复；没有备份时网关会从空文件开始`,
          en: `move ${file} away and keep it, then restore a backup; without one the gateway begins that month anew`,
        });
      }
    }
    return ok('timeseries', { zh: `DuckDB，${files.length} 个文件可以打开`, en: `DuckDB, ${files.length} files open` });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

type Settings = Config['timeseries'];

const databases = z.object({
  results: z.array(
    z.object({ series: z.array(z.object({ values: z.array(z.array(z.unknown())).optional() })).optional() }),
  ),
});
const buckets = z.object({
  buckets: z.array(z.object({ retentionRules: z.array(z.object({ everySeconds: z.number().default(0) })) })),
});

/** Undefined when the server says no to who we are. Rejects when it cannot be asked. */
async function homeOf(settings: Settings, ask: (path: string, init?: RequestInit) => Promise<Response>) {
  if (settings.kind === 'influx2') {
    const query = new URLSearchParams({ org: settings.org, name: settings.bucket });
    const answer = await ask(`api/v2/buckets?${query}`, { headers: { authorization: `Token ${settings.token}` } });
    if (answer.status === 404) return 'missing';
    if (!answer.ok) return undefined;
    const [bucket] = buckets.parse(await answer.json()).buckets;
    return bucket ? `${(bucket.retentionRules[0]?.everySeconds ?? 0) / 3_600}h` : 'missing';
  }
  const login = Buffer.from(`${settings.username}:${settings.password}`).toString('base64');
  const headers = settings.username ? { authorization: `Basic ${login}` } : {};
  const query = async (q: string) => {
    const answer = await ask(`query?${new URLSearchParams({ q })}`, { headers });
    return answer.ok ? (databases.parse(await answer.json()).results[0]?.series?.[0]?.values ?? []) : undefined;
  };
  const names = await query('show databases');
  if (!names?.some(([name]) => name === settings.database)) return names && 'missing';
  const policies = await query(`show retention policies on ${JSON.stringify(settings.database)}`);
  return policies?.map(([name, duration]) => `${name} ${duration}`).join(', ');
}

const UNREACHABLE: Text = {
  zh: '启动 InfluxDB，或更正 HEARTHGATE_TIMESERIES__URL；在此期间读数留在缓冲队列',
  en: 'start InfluxDB, or correct HEARTHGATE_TIMESERIES__URL; until then readings wait in the spool',
};

export async function influxFinding(settings: Settings, now: () => number): Promise<[Finding, OtherClock[]]> {
  const base = settings.url.endsWith('/') ? settings.url : `${settings.url}/`;
  const ask = (path: string, init?: RequestInit) =>
    fetch(new URL(path, base), { ...init, signal: AbortSignal.timeout(WITHIN_MS) });
  const [line, access] =
    settings.kind === 'influx1'
      ? ['1.', 'HEARTHGATE_TIMESERIES__USERNAME, HEARTHGATE_TIMESERIES__PASSWORD']
      : ['2.', 'HEARTHGATE_TIMESERIES__TOKEN, HEARTHGATE_TIMESERIES__ORG'];
  try {
    const answer = await ask('ping');
    const version = answer.headers.get('x-influxdb-version') ?? '?';
    const date = Date.parse(answer.headers.get('date') ?? '');
    // The header has whole seconds.
    const clocks = Number.isNaN(date) ? [] : [{ of: 'InfluxDB', aheadMs: date + 500 - now() }];
    const what = `InfluxDB ${version}`;
    if (!version.replace(/^v/, '').startsWith(line)) {
      const remedy = { zh: '更正 HEARTHGATE_TIMESERIES__KIND', en: 'correct HEARTHGATE_TIMESERIES__KIND' };
      return [fail('timeseries', `${what}, ${settings.kind}`, remedy), clocks];
    }
    const home = await homeOf(settings, ask);
    if (home === undefined) {
      const detail = { zh: `${what} 拒绝访问`, en: `${what} denies access` };
      return [fail('timeseries', detail, { zh: `更正 ${access}`, en: `correct ${access}` }), clocks];
    }
    const name = settings.kind === 'influx1' ? settings.database : settings.bucket;
    const kept =
      home === 'missing'
        ? { zh: `${name} 首次启动时建立`, en: `${name} is made at the first start` }
        : { zh: `${name} 保留 ${home}（0 为永久）`, en: `${name} kept for ${home} (0 is for ever)` };
    return [ok('timeseries', { zh: `${what}，${kept.zh}`, en: `${what}, ${kept.en}` }), clocks];
  } catch (error) {
    const cause = error instanceof Error && error.cause ? error.cause : error;
    return [fail('timeseries', `InfluxDB ${base}: ${messageOf(cause)}`, UNREACHABLE), []];
  }
}
