import { existsSync } from 'node:fs';
import type { FaultKind } from '../audit/chain.ts';
import { readHeads } from '../audit/head-file.ts';
import { verifyAudit } from '../audit/verify.ts';
import { type Config, databaseOf } from '../config.ts';
import { openToRead } from '../db/database.ts';
import { createLog } from '../lib/log.ts';
import type { Language } from '../lib/text.ts';

/** Prints what a look through the audit finds, a line each. */

const WORDS: Record<Language, Record<FaultKind, string>> = {
  zh: {
    edited: '内容被修改',
    missing: '缺失',
    unlinked: '与前一条不相接：次序被改动，或有插入',
    rewritten: '与库外记录的哈希不符：此处或之前被重写',
    cut: '末尾被截去',
    extra: '不是由网关写入',
  },
  en: {
    edited: 'was edited',
    missing: 'is missing',
    unlinked: 'does not follow the row before: rows were moved or put in',
    rewritten: 'is not the one whose hash was noted outside: it or rows before it were rewritten',
    cut: 'was cut off the end',
    extra: 'was not written by a gateway',
  },
};

const whereOf = (seq: number, to: number): string => (seq === to ? String(seq) : `${seq}–${to}`);

/** Resolves with the exit code: 1 when something was changed. */
export async function reportAudit(
  config: Config,
  { json, language }: { json: boolean; language: Language },
): Promise<0 | 1> {
  const where = databaseOf(config);
  if (!config.database.url && !existsSync(where)) throw new Error(`there is no ${where}`);
  await using db = openToRead(where, createLog('silent'));
  // The heads are read first: rows that come meanwhile are newer than they.
  const heads = readHeads(config.data.dir);
  const began = performance.now();
  const { rows, head, faults } = await verifyAudit(db, heads);
  const seconds = (performance.now() - began) / 1_000;
  const code = faults.length === 0 ? 0 : 1;
  if (json) {
    const result = { ok: code === 0, rows, head, headsNoted: heads.length, seconds, faults };
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    return code;
  }
  const zh = language === 'zh';
  for (const { kind, seq, to } of faults) {
    const [start, colon] = zh ? ['第', ' 条：'] : ['row ', ' '];
    process.stdout.write(`${start}${zh ? ' ' : ''}${whereOf(seq, to)}${colon}${WORDS[language][kind]}\n`);
  }
  const state = code === 0 ? (zh ? '完好' : 'sound') : zh ? '已被改动' : 'CHANGED';
  const noted = zh ? `库外记录 ${heads.length} 次` : `noted outside ${heads.length} times`;
  const count = zh
    ? `${rows} 条，${noted}，用时 ${seconds.toFixed(1)} 秒`
    : `${rows} rows, ${noted}, ${seconds.toFixed(1)} s`;
  process.stdout.write(`${zh ? '审计' : 'audit'}${zh ? '：' : ': '}${state}${zh ? '；' : '; '}${count}\n`);
  process.stdout.write(`${head.seq} ${head.hash}\n`);
  return code;
}
