import type { COMMAND_STATES, Purpose, Via } from './schema-commands.ts';

/** The rows of batches: one command for many terminals. */

export const BATCH_STATES = ['held', 'running', 'paused', 'stopped', 'done', 'refused', 'cancelled'] as const;
export type BatchState = (typeof BATCH_STATES)[number];

/** What an item is by itself; once it is `issued`, its command says more. */
type ItemState = 'waiting' | 'issued' | 'refused' | 'cancelled';
/** What an item shows: its command's state, once it has one. */
export type ShownState = 'waiting' | (typeof COMMAND_STATES)[number];

export interface BatchRow {
  id: string;
  state: BatchState;
  via: Exclude<Via, 'request'>;
  command: string;
  /** JSON of the value. */
  value: string;
  reason: string;
  purpose: Purpose | null;
  /** How long each command may wait to be sent, from its turn on. Seconds. */
  expiresInS: number;
  /** The area that it was asked for; null for a list. */
  areaCode: string | null;
  /** The company of all its terminals; null when they have several. */
  companyId: string | null;
  requestedBy: string;
  requestedById: string;
  createdAt: number;
  /** Until when a held one may be approved. */
  expiresAt: number;
  total: number;
  /** Households that lose their heat when all goes through. */
  homes: number;
  /** SHA-256 of the command and of each item with its rules: what a second person is shown. */
  listHash: string;
  perCellPerMinute: number;
  inFlight: number;
  policyVersion: string | null;
  approvedBy: string | null;
  approvedAt: number | null;
  /** Failures before this are not counted any more. */
  countFrom: number;
  /** JSON of its steps. */
  history: string;
}

export interface BatchItemRow {
  batchId: string;
  terminalId: string;
  /** In the order of the turns. */
  position: number;
  /** Where it stood when it was judged; what has moved since is left out. */
  areaCode: string;
  companyId: string | null;
  householdId: string | null;
  state: ItemState;
  /** Its turn; null when it had none. */
  at: number | null;
  commandId: string | null;
  /** JSON of the rules that hold or refuse it. */
  rules: string;
}

export interface BatchTables {
  commandBatches: BatchRow;
  commandBatchItems: BatchItemRow;
}
