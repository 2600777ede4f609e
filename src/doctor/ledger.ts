import { existsSync } from 'node:fs';
import { checkLedger } from '../billing/check-ledger.ts';
import { openToRead } from '../db/database.ts';
import { createLog } from '../lib/log.ts';
import type { Text } from '../lib/text.ts';
import { type Finding, fail, messageOf, ok } from './finding.ts';

/** Whether the balances are what the ledger's lines say. Reads beside a gateway, too. */

const REMEDY: Text = {
  zh: '有人绕过网关改了数据库：停止网关，保存一份副本，运行 hearthgate audit verify，再用改动之前的备份恢复',
  en: 'somebody wrote past the gateway: stop it, keep a copy, run hearthgate audit verify, and restore a backup from before',
};

function faultsOf(zh: boolean, accounts: string[], transfers: string[]): string {
  const parts = [
    accounts.length > 0 && `${zh ? '余额与分录不符的科目：' : 'accounts that are not what their lines say: '}`,
    accounts.join(zh ? '、' : ', '),
    accounts.length > 0 && transfers.length > 0 && (zh ? '；' : '; '),
    transfers.length > 0 && `${zh ? '缺少分录的凭证：' : 'transfers that lack lines: '}`,
    transfers.join(zh ? '、' : ', '),
  ];
  return parts.filter((part) => part !== false).join('');
}

/** None while there is no ledger: before the first start, or before the upgrade that brings it. */
export async function ledgerFindings(database: string): Promise<Finding[]> {
  if (!database.startsWith('postgres') && !existsSync(database)) return [];
  try {
    await using db = openToRead(database, createLog('silent'));
    const tables = await db.introspection.getTables();
    if (!tables.some(({ name }) => name === 'balances')) return [];
    const { entries, accounts, transfers } = await checkLedger(db);
    if (accounts.length + transfers.length > 0) {
      const detail = { zh: faultsOf(true, accounts, transfers), en: faultsOf(false, accounts, transfers) };
      return [fail('ledger', detail, REMEDY)];
    }
    const zh = `${entries} 条分录，各科目余额与之相符`;
    return [ok('ledger', { zh, en: `${entries} entries, and every balance is their sum` })];
  } catch (error) {
    return [fail('ledger', messageOf(error), { zh: '检查数据库及其日志', en: 'look at the database and its log' })];
  }
}
