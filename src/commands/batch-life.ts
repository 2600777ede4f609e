import type { BatchState, ShownState } from '../db/schema-batches.ts';

/** The life of a batch, pure: what is not in the table cannot happen. */

export type BatchEvent = 'approve' | 'refuse' | 'expire' | 'pause' | 'resume' | 'stop' | 'finish' | 'cancel';

const TABLE: Record<BatchState, Partial<Record<BatchEvent, BatchState>>> = {
  // Nobody allowed it in time: it is taken back.
  held: { approve: 'running', refuse: 'refused', expire: 'cancelled', cancel: 'cancelled' },
  running: { pause: 'paused', stop: 'stopped', finish: 'done', cancel: 'cancelled' },
  paused: { resume: 'running', cancel: 'cancelled' },
  // Whoever resumes it has looked at what failed; failures are counted anew.
  stopped: { resume: 'running', cancel: 'cancelled' },
  done: {},
  refused: {},
  cancelled: {},
};

/** The state after an event, or undefined when the event cannot happen in this state. */
export const nextBatchState = (state: BatchState, event: BatchEvent): BatchState | undefined => TABLE[state][event];

export type Counts = Partial<Record<ShownState, number>>;

/** When a batch stops itself: so many of 100 that came to an end have failed, but not before so many failures. */
export interface FailureLimit {
  percent: number;
  atLeast: number;
}

const FAILED: readonly ShownState[] = ['rejected', 'timed_out', 'expired', 'refused'];
const sum = (counts: Counts, states: readonly ShownState[]): number =>
  states.reduce((total, state) => total + (counts[state] ?? 0), 0);

/** `counts` are of those that had their turn. */
export function isFailing(counts: Counts, { percent, atLeast }: FailureLimit): boolean {
  const failed = sum(counts, FAILED);
  const ended = failed + sum(counts, ['confirmed', 'cancelled']);
  return failed >= atLeast && failed * 100 >= percent * ended;
}

/** Those whose command may still be sent, or answered. */
export const underWay = (counts: Counts): number => sum(counts, ['held', 'queued', 'sent', 'acknowledged']);
