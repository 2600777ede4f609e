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
  /** Somebody set the gateway's clock, and a person said that it is right. */
  'clock_trusted',
  'user_added',
  'user_removed',
  'key_added',
  'key_removed',
  'terminal_added',
  'terminal_changed',
  'terminal_removed',
  'secret_changed',
  'secret_revoked',
  'secrets_handed_out',
  'claim_code_changed',
  'terminal_claimed',
  'payment_received',
  'payment_reversed',
  'refund_requested',
  'refund_made',
  'adjustment_booked',
  'deposit_received',
  'deposit_offset',
  'deposit_refunded',
  'notification_resolved',
  'difference_explained',
  'proposal_accepted',
  'proposal_dismissed',
  'tariff_set',
  'billing_mode_set',
  'usage_corrected',
  'billing_run_added',
  'bill_released',
  'bill_replaced',
  'import_finished',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export interface AuditRow {
  /** From 1, without a gap. */
  seq: number;
  at: number;
  /** A user's name, `key:` and an API key's name, `terminal:` or `gateway:` and an id, `provider:` and the name of one. */
  actor: string;
  action: AuditAction;
  /** The id of what it was done to. */
  subject: string;
  terminalId: string | null;
  /** The company that had the terminal at that moment, or whose money it is, and that may see the row. */
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
