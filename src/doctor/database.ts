import { existsSync } from 'node:fs';
import { MIGRATIONS } from '../db/database.ts';
import { inspectPostgres, inspectSqlite } from '../db/inspect.ts';
import type { Text } from '../lib/text.ts';
import { type Finding, fail, messageOf, ok } from './finding.ts';
import type { OtherClock } from './machine.ts';

/** SQLite while no gateway runs, or a PostgreSQL server at any time. */

const WITHIN_MS = 5_000;

/** Undefined when the tables are those of this version, or of an earlier one, which the next start brings up to date. */
function newerFinding(applied: string[]): Finding | undefined {
  const unknown = applied.filter((name) => !(name in MIGRATIONS));
  if (unknown.length === 0) return undefined;
  return fail(
    'database',
    {
      zh: `已被更新的版本升级过：${unknown.join('、')}`,
      en: `a newer version has upgraded it: ${unknown.join(', ')}`,
    },
    {
      zh: '使用那个版本的网关，或恢复升级前的备份',
      en: 'run that version, or restore the backup from before the upgrade',
    },
  );
}

function upToDate(what: string, applied: string[]): Finding {
  const pending = Object.keys(MIGRATIONS).filter((name) => !applied.includes(name));
  const state =
    pending.length === 0
      ? { zh: '表结构为最新', en: 'tables up to date' }
      : { zh: `下次启动时升级：${pending.join('、')}`, en: `the next start upgrades it: ${pending.join(', ')}` };
  return newerFinding(applied) ?? ok('database', { zh: `${what}，${state.zh}`, en: `${what}, ${state.en}` });
}

export function sqliteFinding(file: string): Finding {
  const remedy = {
    zh: `停止网关，把 ${file} 连同 -wal、-shm 一起复制保存，再用备份恢复，或用 sqlite3 的 .recover`,
    en: `keep a copy of ${file} with its -wal and -shm, then restore a backup, or use .recover of sqlite3`,
  };
  if (!existsSync(file)) return ok('database', { zh: 'SQLite，首次启动时建立', en: 'SQLite, made at the first start' });
  try {
    const { trouble, applied } = inspectSqlite(file);
    return trouble ? fail('database', `SQLite: ${trouble}`, remedy) : upToDate('SQLite', applied);
  } catch (error) {
    return fail('database', `SQLite: ${messageOf(error)}`, remedy);
  }
}

/** By SQLSTATE or the system's error code. */
const REMEDIES: Record<string, Text> = {
  ECONNREFUSED: {
    zh: '启动 PostgreSQL，或更正 HEARTHGATE_DATABASE__URL 中的地址和端口',
    en: 'start PostgreSQL, or correct host and port in HEARTHGATE_DATABASE__URL',
  },
  '28P01': { zh: '更正 HEARTHGATE_DATABASE__URL 中的密码', en: 'correct the password in HEARTHGATE_DATABASE__URL' },
  '3D000': { zh: '建立该数据库：createdb', en: 'make that database: createdb' },
};
const LOOK: Text = {
  zh: '检查 HEARTHGATE_DATABASE__URL、网络和 PostgreSQL 的日志',
  en: 'look at HEARTHGATE_DATABASE__URL, the network and the log of PostgreSQL',
};

export async function postgresFinding(url: string, now: () => number): Promise<[Finding, OtherClock[]]> {
  try {
    const began = now();
    const { version, now: theirs, applied } = await inspectPostgres(url, WITHIN_MS);
    const aheadMs = theirs - (began + now()) / 2;
    return [upToDate(`PostgreSQL ${version}`, applied), [{ of: 'PostgreSQL', aheadMs }]];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return [fail('database', `PostgreSQL: ${messageOf(error)}`, REMEDIES[code] ?? LOOK), []];
  }
}
