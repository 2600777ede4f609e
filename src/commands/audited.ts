import type { AuditEntry } from '../audit/audit.ts';
import type { CommandEvent } from './lifecycle.ts';
import type { Command, CommandStep } from './rows.ts';
import { codesOf } from './rules.ts';

/** What the audit says of a command: each of its steps is a row, in the transaction that takes the step. */

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

type Audited = Pick<Command, 'id' | 'terminalId' | 'command' | 'value' | 'sequence' | 'policyVersion'>;

const entryOf = ({ id, terminalId, policyVersion }: Audited) => ({
  subject: id,
  terminalId,
  policyVersion: policyVersion ?? undefined,
});

const ASKED = { held: 'command_held', refused: 'command_refused' } as const;

export function auditOfRequest(command: Command, by: string): AuditEntry {
  const { value, reason, purpose, sequence, expiresAt, state, rules } = command;
  return {
    ...entryOf(command),
    actor: by,
    action: state === 'held' || state === 'refused' ? ASKED[state] : 'command_requested',
    detail: { command: command.command, value, reason, purpose, sequence, expiresAt, rules: codesOf(rules) },
  };
}

/** Other rules hold it than those that were shown. */
export const auditOfHold = (command: Command, gateway: string): AuditEntry => ({
  ...entryOf(command),
  actor: `gateway:${gateway}`,
  action: 'command_held',
  detail: { command: command.command, value: command.value, sequence: command.sequence, rules: codesOf(command.rules) },
});

/** `gateway` takes what nobody else does. */
export function auditOfStep(
  row: Audited,
  event: CommandEvent,
  { cause, detail }: Pick<CommandStep, 'cause' | 'detail'>,
  { by, gateway }: { by?: string | undefined; gateway: string },
): AuditEntry {
  const { terminalId, command, value, sequence } = row;
  return {
    ...entryOf(row),
    actor: by ?? (SAID.has(event) ? `terminal:${terminalId}` : `gateway:${gateway}`),
    action: ACTIONS[event],
    detail: { command, value, sequence, cause, detail },
  };
}
