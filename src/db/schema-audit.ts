/** The rows of the audit: who did what, and when, in a chain in which nothing can be changed unseen. */

/** What is recorded; each has its words in the console. */
export const AUDIT_ACTIONS = [
  'command_requested',
  'command_held',
  'command_approved',
  'command_refused',
  'command_sent',
  'command_returned',
  'command_acknowledged',
  'command_rejected',
  'command_confirmed',
  'command_contradicted',
  'command_timed_out',
  'command_expired',
  'command_cancelled',
  'batch_previewed',
  'batch_requested',
  'batch_held',
  'batch_approved',
  'batch_refused',
  'batch_expired',
  'batch_paused',
  'batch_resumed',
  'batch_stopped',
  'batch_finished',
  'batch_cancelled',
  /** One of its terminals, at its turn. */
  'batch_item_refused',
  'schedule_added',
  'schedule_changed',
  'schedule_removed',
  'schedule_missed',
  'schedule_refused',
  'user_added',
  'user_removed',
  'key_added',
  'key_removed',
  'terminal_added',
  'terminal_changed',
  'terminal_removed',
  'import_finished',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export interface AuditRow {
  /** From 1, without a gap. */
  seq: number;
  at: number;
  /** A user's name, `key:` and an API key's name, `terminal:` or `gateway:` and an id. */
  actor: string;
  action: AuditAction;
  /** The id of what it was done to. */
  subject: string;
  terminalId: string | null;
  /** The company that had the terminal at that moment, and may see the row. */
  companyId: string | null;
  /** JSON. */
  detail: string;
  /** The version of the policy that allowed, held or refused it. */
  policyVersion: string | null;
  /** The hash of the row before. */
  prevHash: string;
  hash: string;
}

/** One row, with the number and the hash of the newest. */
interface AuditHeadRow {
  id: number;
  seq: number;
  hash: string;
}

export interface AuditTables {
  audit: AuditRow;
  auditHead: AuditHeadRow;
}
