import { styleText } from 'node:util';
import { inLanguage, type Language } from '../lib/text.ts';
import { diagnose } from './doctor.ts';
import type { Finding, FindingState } from './finding.ts';
import { nameOf } from './names.ts';

/** Prints what the doctor finds, a line each, with what to do below it. */

const STATES: Record<FindingState, { text: Record<Language, string>; colour: 'green' | 'yellow' | 'red' }> = {
  ok: { text: { zh: '正常', en: 'ok  ' }, colour: 'green' },
  warn: { text: { zh: '注意', en: 'warn' }, colour: 'yellow' },
  fail: { text: { zh: '失败', en: 'fail' }, colour: 'red' },
};

function linesOf({ name, state, detail, remedy }: Finding, language: Language): string {
  const { text, colour } = STATES[state];
  // Colours only where a person looks.
  const sign = styleText(colour, text[language], { stream: process.stdout });
  const [colon, mark] = language === 'zh' ? ['：', '处理'] : [': ', 'remedy'];
  const line = `${sign}  ${nameOf(name, language)}${colon}${inLanguage(detail, language)}\n`;
  return remedy === null ? line : `${line}      → ${mark}${colon}${inLanguage(remedy, language)}\n`;
}

/** Resolves with the exit code: 1 when something fails. */
export async function doctor({ json, language }: { json: boolean; language: Language }): Promise<0 | 1> {
  const findings: Finding[] = [];
  for await (const finding of diagnose(process.env, Date.now)) {
    findings.push(finding);
    if (!json) process.stdout.write(linesOf(finding, language));
  }
  if (json) {
    const plain = findings.map(({ name, state, detail, remedy }) => ({
      name,
      state,
      detail: inLanguage(detail, language),
      remedy: remedy && inLanguage(remedy, language),
    }));
    process.stdout.write(`${JSON.stringify(plain, null, 2)}\n`);
  }
  return findings.some(({ state }) => state === 'fail') ? 1 : 0;
}
