import type { Clock } from '../lib/clock.ts';
import { isWaiting } from './lifecycle.ts';
import { createMoments } from './moments.ts';
import type { Command } from './rows.ts';

/** Commands that something can still happen to, by terminal and in order, so that a reading need not ask the database. */

/** How long after it was sent an answer or a reading may still tell what happened. */
export const LATE_MS = 3_600_000;
const MOST_KNOWN = 100_000;

export function createCommandMemory(clock: Clock) {
  const open = new Map<string, Command[]>();
  /** How many steps of a command were told of here, so that what the database tells once more is no news. */
  const stepsKnown = new Map<string, number>();
  const moments = createMoments(clock);

  const isOpen = (command: Command): boolean =>
    command.state === 'held' ||
    command.state === 'queued' ||
    isWaiting(command.state) ||
    (command.state === 'timed_out' && moments.sinceSentMs(command) < LATE_MS);

  /** When a newer one of its kind was sent, what a reading shows no longer tells of one that timed out. */
  const isOver = (other: Command, { command, sequence, sentAt }: Command): boolean =>
    other.state === 'timed_out' && other.command === command && other.sequence < sequence && sentAt !== null;

  function put(terminalId: string, before: Command[], now: Command[]): void {
    for (const { id } of before) if (!now.some((one) => one.id === id)) moments.forget(id);
    if (now.length > 0) open.set(terminalId, now);
    else open.delete(terminalId);
  }

  return {
    isOpen,
    isExpired: moments.isExpired,
    sinceSentMs: moments.sinceSentMs,
    sentTime: moments.sentTime,

    keep(command: Command): void {
      if (stepsKnown.size >= MOST_KNOWN) stepsKnown.clear();
      stepsKnown.set(command.id, command.history.length);
      const before = open.get(command.terminalId) ?? [];
      const others = before.filter((other) => other.id !== command.id && !isOver(other, command));
      const stays = isOpen(command);
      if (stays) moments.note(command);
      const now = stays ? [...others, command].sort((a, b) => a.sequence - b.sequence) : others;
      put(command.terminalId, before, now);
    },

    isNews: ({ id, history }: Command): boolean => history.length > (stepsKnown.get(id) ?? 0),

    /** Those that are still open; a time-out becomes final by the clock alone. */
    openOf(terminalId: string): readonly Command[] {
      const before = open.get(terminalId);
      if (!before) return [];
      const now = before.filter(isOpen);
      if (now.length < before.length) put(terminalId, before, now);
      return now;
    },

    all: (): Command[] => [...open.values()].flat(),
    terminals: (): string[] => [...open.keys()],
  };
}
