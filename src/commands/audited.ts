import type { AuditEntry } from '../audit/audit.ts';
import type { CommandRow } from '../db/schema-commands.ts';
import type { CommandEvent } from './lifecycle.ts';
import type { CommandStep } from './rows.ts';

/** What the audit says of a command: each of its steps is a row, in the transaction that takes the step. */

/** Who takes a step where it is a person, and the policy that decided. */
export interface Deed {
  by?: string | undefined;
  policyVersion?: string | undefined;
}

const ACTIONS = {
  approve: 'command_approved',
  refuse: 'command_refused',
  send: 'command_sent',
  return: 'command_returned',
  acknowledge: 'command_acknowledged',
  reject: 'command_rejected',
  confirm: 'command_confirmed',
  contradict: 'command_contradicted',
  time_out: 'command_timed_out',
  expire: 'command_expired',
  cancel: 'command_cancelled',
} as const satisfies Record<CommandEvent, AuditEntry['action']>;

/** What the terminal says itself, or shows. */
const SAID: ReadonlySet<CommandEvent> = new Set(['acknowledge', 'reject', 'confirm', 'contradict']);

type Audited = Pick<CommandRow, 'id' | 'terminalId' | 'command' | 'value' | 'sequence'>;

const entryOf = ({ id, terminalId }: Audited, { policyVersion }: Deed) => ({ subject: id, terminalId, policyVersion });

/** `value` is JSON, as it is in the row. */
export function auditOfRequest(row: CommandRow, deed: Deed & { by: string }): AuditEntry {
  const { command, value, reason, sequence, expiresAt } = row;
  return {
    ...entryOf(row, deed),
    actor: deed.by,
    action: row.state === 'held' ? 'command_held' : 'command_requested',
    detail: { command, value: JSON.parse(value), reason, sequence, expiresAt },
  };
}

/** `gateway` takes what nobody else does. */
export function auditOfStep(
  row: Audited,
  event: CommandEvent,
  { cause, detail }: Pick<CommandStep, 'cause' | 'detail'>,
  deed: Deed & { gateway: string },
): AuditEntry {
  const { terminalId, command, value, sequence } = row;
  return {
    ...entryOf(row, deed),
    actor: deed.by ?? (SAID.has(event) ? `terminal:${terminalId}` : `gateway:${deed.gateway}`),
    action: ACTIONS[event],
    detail: { command, value: JSON.parse(value), sequence, cause, detail },
  };
}
