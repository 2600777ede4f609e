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

export interface CommandRow {
  id: string;
  terminalId: string;
  command: string;
  /** JSON of the value as it was asked for. */
  value: string;
  reason: string | null;
  state: CommandState;
  /** Grows by one with each command of the terminal. */
  sequence: number;
  requestedBy: string;
  createdAt: number;
  expiresAt: number;
  sentAt: number | null;
}

/** Why a command took a step; each code has its words in the console. */
export const STEP_CAUSES = [
  /** A person or program asked for it; `detail` says who. */
  'requested',
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

export interface CommandTables {
  commands: CommandRow;
  commandSteps: CommandStepRow;
}
