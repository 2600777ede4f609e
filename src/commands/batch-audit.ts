import type { AuditEntry } from '../audit/audit.ts';
import type { BatchItemRow, BatchRow } from '../db/schema-batches.ts';
import type { BatchEvent } from './batch-life.ts';
import { codesOf, type Reason } from './rules.ts';

/** What the audit says of a batch. Each command of it is in the audit as any other, and names who asked for the batch. */

const ACTIONS = {
  preview: 'batch_previewed',
  request: 'batch_requested',
  hold: 'batch_held',
  approve: 'batch_approved',
  refuse: 'batch_refused',
  expire: 'batch_expired',
  pause: 'batch_paused',
  resume: 'batch_resumed',
  stop: 'batch_stopped',
  finish: 'batch_finished',
  cancel: 'batch_cancelled',
} as const satisfies Record<BatchEvent | 'preview' | 'request' | 'hold', AuditEntry['action']>;

/** `listHash` stands for the terminals and the rules of each. */
export function auditOfBatch(
  row: BatchRow,
  what: keyof typeof ACTIONS,
  actor: string,
  comment: string | null,
): AuditEntry {
  const { id, companyId, policyVersion, command, reason, purpose, areaCode, total, homes, listHash } = row;
  return {
    actor,
    action: ACTIONS[what],
    subject: id,
    companyId,
    detail: { command, value: JSON.parse(row.value), reason, purpose, areaCode, total, homes, listHash, comment },
    policyVersion: policyVersion ?? undefined,
  };
}

/** At its turn a terminal is left out. */
export const auditOfItem = (
  { id, command, value, policyVersion }: Pick<BatchRow, 'id' | 'command' | 'policyVersion'> & { value: unknown },
  { terminalId }: BatchItemRow,
  rules: Reason[],
  gateway: string,
): AuditEntry => ({
  actor: `gateway:${gateway}`,
  action: 'batch_item_refused',
  subject: id,
  terminalId,
  detail: { command, value, rules: codesOf(rules) },
  policyVersion: policyVersion ?? undefined,
});
