import type { Clock } from '../lib/clock.ts';
import type { Command } from './rows.ts';

/**
 * Where open commands stand in time. A computer's clock may be set by an hour or a year at any moment, so what this process has seen is also
 * measured in ticks, which nobody sets; across a restart there is the clock alone.
 */

interface Moment {
  /** Until when it may be sent, or approved: epoch ms as it is in the row, which an approval changes, and ticks. */
  ends: { at: number; ticks: number };
  /** When it was sent: epoch ms as it is in the row, and ticks. */
  sent: { at: number; ticks: number } | undefined;
}

/** The two measures drift apart by less than this without anybody setting the clock. Milliseconds. */
const DRIFT_MS = 1_000;
/** Clocks of gateways that share a database differ by less. Milliseconds. */
const SKEW_MS = 10_000;

export function createMoments(clock: Clock) {
  const kept = new Map<string, Moment>();

  function momentOf({ id, createdAt, expiresAt, sentAt }: Command): Moment {
    const known = kept.get(id);
    const [now, ticks] = [clock.now(), clock.ticks()];
    // One that is only to be made was made before the clock was set back, and nobody knows how long ago.
    const leftMs = createdAt - now > SKEW_MS ? 0 : Math.min(expiresAt - now, expiresAt - createdAt);
    const ends = known?.ends.at === expiresAt ? known.ends : { at: expiresAt, ticks: ticks + leftMs };
    if (sentAt === null) return { ends, sent: undefined };
    const sent = known?.sent?.at === sentAt ? known.sent : { at: sentAt, ticks: ticks - Math.max(0, now - sentAt) };
    return { ends, sent };
  }

  return {
    note: (command: Command): void => void kept.set(command.id, momentOf(command)),
    forget: (id: string): void => void kept.delete(id),

    /** Whether it may no longer be sent: by the clock, or by the time that has passed. */
    isExpired: (command: Command): boolean =>
      clock.now() >= command.expiresAt || clock.ticks() >= momentOf(command).ends.ticks,

    /** How long ago it was sent. Milliseconds; 0 for one that was not. */
    sinceSentMs(command: Command): number {
      const { sent } = momentOf(command);
      return sent ? clock.ticks() - sent.ticks : 0;
    },

    /** When it was sent, by the clock as it is set now. Epoch ms. */
    sentTime(command: Command): number | null {
      const { sent } = momentOf(command);
      if (!sent) return null;
      const setBy = clock.now() - sent.at - (clock.ticks() - sent.ticks);
      return Math.abs(setBy) < DRIFT_MS ? sent.at : sent.at + setBy;
    },
  };
}
