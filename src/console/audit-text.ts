import type { AuditEntry } from '../http/schemas/audit.ts';
import { useAnyCommandText } from './command-text.ts';
import { type T, useLanguage, wordFor } from './i18n.ts';
import { yuan } from './money.ts';
import { useProfiles } from './profiles.ts';
import { readingText, WIRES } from './step-text.ts';

/** A row of the audit in the reader's language. */

/** `gateway:…` and the like in words; people by their names. */
export function actorText(t: T, actor: string): string {
  const [kind = '', ...rest] = actor.split(':');
  if (rest.length === 0) return actor;
  const words: Record<string, string> = t('audit.system', { returnObjects: true });
  const name = kind === 'gateway' || kind === 'setup' ? '' : ` ${rest.join(':')}`;
  return `${wordFor(words, kind)}${name}`;
}

/** What else is written down, with money as people read it: `用户名：li · 角色：管理员`. The page shows the household beside it. */
function plainText(t: T, { householdId: _shown, accountNo: _beside, ...detail }: AuditEntry['detail']): string {
  const names: Record<string, string> = t('audit.fields', { returnObjects: true });
  const words: Record<string, string> = {
    ...t('role', { returnObjects: true }),
    ...t('payment.methods', { returnObjects: true }),
  };
  const fieldText = (name: string, value: unknown): string => {
    if (typeof value === 'string') return wordFor(words, value);
    return name.endsWith('Fen') && typeof value === 'number' ? yuan(value) : JSON.stringify(value);
  };
  return Object.entries(detail)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => t('audit.field', { name: wordFor(names, name), value: fieldText(name, value) }))
    .join(' · ');
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** Codes of rules with commas between, in short words. */
function rulesText(t: T, rules: string): string {
  const words: Record<string, string> = t('command.rules', { returnObjects: true });
  return rules
    .split(', ')
    .map((rule) => wordFor(words, rule))
    .join(t('audit.separator'));
}

/** What happened to a command, a batch or a schedule, in a line: `开关 → 关闭 · 读数证实 · …`. */
export function useAuditText(): (entry: AuditEntry) => string {
  const { t, titleOf } = useLanguage();
  const commandText = useAnyCommandText();
  const profiles = [...useProfiles().values()];
  const causes: Record<string, string> = t('command.causes', { returnObjects: true });
  const troubles = { ...t('problem', { returnObjects: true }), ...t('schedule.details', { returnObjects: true }) };

  function moreText(cause: unknown, more: string): string {
    if (cause === 'policy') return rulesText(t, more);
    if (cause === 'sent') return wordFor(WIRES, more);
    return cause === 'reading' || cause === 'contradicted' ? readingText({ t, titleOf }, profiles, more) : more;
  }

  return ({ detail }) => {
    const { command, value, cause, detail: more, reason, rules, code } = detail;
    if (!isText(command) || (typeof value !== 'string' && typeof value !== 'number')) return plainText(t, detail);
    return [
      commandText({ command, value }),
      ...(isText(cause) ? [wordFor(causes, cause)] : []),
      ...(isText(more) ? [moreText(cause, more)] : []),
      ...(isText(code) ? [wordFor(troubles, code)] : []),
      ...(isText(reason) ? [reason] : []),
      ...(isText(rules) ? [rulesText(t, rules)] : []),
    ].join(' · ');
  };
}
