/** The rows of commands and of what decides over them. */

export const COMMAND_STATES = [
  'held',
  'queued',
  'sent',
  'acknowledged',
  'confirmed',
  'rejected',
  'refused',
  'timed_out',
  'expired',
  'cancelled',
] as const;
export type CommandState = (typeof COMMAND_STATES)[number];

/** Why somebody wants it, as far as it makes a difference. */
export const PURPOSES = ['request', 'arrears', 'maintenance', 'safety'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** A person or program for one terminal, or one of many: rules for what is planned ask. */
export type Via = 'request' | 'batch' | 'schedule';

/** What a value does to the heat in a house: `standby` keeps frost protection, `cut` ends the supply. */
export type Effect = 'standby' | 'cut';

export interface CommandRow {
  id: string;
  terminalId: string;
  command: string;
  /** JSON of the value as it was asked for. */
  value: string;
  reason: string | null;
  purpose: Purpose | null;
  via: Via;
  state: CommandState;
  /** Grows by one with each command of the terminal. */
  sequence: number;
  requestedBy: string;
  /** The user who asked, or whose API key did. */
  requestedById: string | null;
  createdAt: number;
  expiresAt: number;
  /** How long it may wait to be sent; of one that was held, from its approval. */
  ttlMs: number;
  sentAt: number | null;
  /** Null when it takes no heat away. */
  effect: Effect | null;
  /** The policy that it was last judged by; null when none could be read. */
  policyVersion: string | null;
  /** JSON of the rules that held or refused it, with their words. */
  rules: string;
  approvedBy: string | null;
  approvedAt: number | null;
}

/** Why a command took a step; each code has its words in the console. */
export const STEP_CAUSES = [
  /** A person or program asked for it; `detail` says who. */
  'requested',
  /** A second person allowed it; `detail` says who, and why if they said so. */
  'approved',
  /** A second person did not allow it; `detail` as with `approved`. */
  'not_allowed',
  /** Nobody allowed it in time. */
  'not_approved',
  /** A rule of the policy refuses it; `detail` names the rules. */
  'policy',
  /** The household has paid what it owed. */
  'paid',
  /** A person took it back; `detail` says who. */
  'cancelled',
  /** A newer command of its kind takes its place; `detail` says which. */
  'superseded',
  /** Its terminal was removed or moved to another household before it was sent. */
  'moved',
  /** `detail` says over what. */
  'sent',
  /** The terminal answered that it took the command, or its wire proved it. */
  'taken',
  /** The terminal said no; `detail` says why. */
  'refused_by_terminal',
  /** A reading shows it; `detail` says which. */
  'reading',
  /** A reading that is newer shows something else, which changes no state; `detail` says what. */
  'contradicted',
  /** Its time ran out before the terminal could be reached. */
  'not_sent',
  /** The broker had nobody to give it to. */
  'not_listening',
  /** No answer came: nobody knows what the terminal got. */
  'unknown',
  /** The terminal took it, but no reading shows it. */
  'not_shown',
  /** It was armed, but nobody pressed the key at the device in time: it stays closed. */
  'not_opened',
] as const;
export type StepCause = (typeof STEP_CAUSES)[number];

export interface CommandStepRow {
  id: string;
  commandId: string;
  /** From 1, in the order in which they were taken. */
  n: number;
  state: CommandState;
  at: number;
  cause: StepCause;
  detail: string | null;
}

/** Rows that a transaction changes so that of several one at a time decides. */
interface LockRow {
  name: 'off';
}

export interface CommandTables {
  locks: LockRow;
  commands: CommandRow;
  commandSteps: CommandStepRow;
}
