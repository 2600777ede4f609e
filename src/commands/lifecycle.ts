import type { CommandState } from '../db/schema-commands.ts';

/** The life of a command, pure: what is not in the table cannot happen. */

export type CommandEvent =
  | 'approve'
  | 'refuse'
  | 'send'
  | 'return'
  | 'acknowledge'
  | 'reject'
  | 'confirm'
  | 'contradict'
  | 'time_out'
  | 'expire'
  | 'cancel';

/**
 * A late answer beats our time-out: a timed-out command can still be acknowledged, rejected or confirmed. A reading that contradicts a command
 * is noted and leaves it where it is.
 */
const TABLE: Record<CommandState, Partial<Record<CommandEvent, CommandState>>> = {
  held: { approve: 'queued', refuse: 'refused', expire: 'expired', cancel: 'cancelled' },
  // Facts may have changed since: what is no longer allowed is not sent.
  queued: { send: 'sent', refuse: 'refused', expire: 'expired', cancel: 'cancelled' },
  // Nobody listened, as the broker said: it was given to nobody.
  sent: {
    return: 'queued',
    acknowledge: 'acknowledged',
    reject: 'rejected',
    confirm: 'confirmed',
    contradict: 'sent',
    time_out: 'timed_out',
  },
  acknowledged: { confirm: 'confirmed', contradict: 'acknowledged', time_out: 'timed_out' },
  timed_out: { acknowledge: 'acknowledged', reject: 'rejected', confirm: 'confirmed', contradict: 'timed_out' },
  confirmed: {},
  rejected: {},
  refused: {},
  expired: {},
  cancelled: {},
};

/** The state after an event, or undefined when the event cannot happen in this state. */
export const nextState = (state: CommandState, event: CommandEvent): CommandState | undefined => TABLE[state][event];

/** Whether the terminal may still be told, or still answer. */
export const isWaiting = (state: CommandState): boolean => state === 'sent' || state === 'acknowledged';
