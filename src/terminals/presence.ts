import type { Clock } from '../lib/clock.ts';
import type { Terminal } from './registry.ts';

export type Status = 'online' | 'offline' | 'unknown';

/**
 * Whether a terminal is alive, by the age of its data: unknown before its first sign of life, offline when the last is older than
 * the profile allows or when it (or its will) said so.
 */
export function createPresence({ clock }: { clock: Clock }) {
  const seenAt = new Map<string, number>();
  const saidOffline = new Set<string>();
  const shown = new Map<string, Status>();

  function statusOf(terminal: Terminal): Status {
    const seen = seenAt.get(terminal.id);
    if (seen === undefined) return 'unknown';
    if (saidOffline.has(terminal.id)) return 'offline';
    return clock.now() - seen <= terminal.profile.offlineAfterS * 1_000 ? 'online' : 'offline';
  }

  /** The status if it is another than when this was last asked. */
  function changed(terminal: Terminal): Status | undefined {
    const status = statusOf(terminal);
    const before = shown.get(terminal.id) ?? 'unknown';
    shown.set(terminal.id, status);
    return status === before ? undefined : status;
  }

  return {
    statusOf,
    changed,

    /** The time of the newest sign of life, epoch ms. */
    lastSeenAt: (terminalId: string): number | null => seenAt.get(terminalId) ?? null,

    /** `time` is the reading's own: old data that arrives late is no sign of life now, and a fast clock gives no credit. */
    seen(terminalId: string, time: number): void {
      const at = Math.min(time, clock.now());
      if (at <= (seenAt.get(terminalId) ?? 0)) return;
      seenAt.set(terminalId, at);
      saidOffline.delete(terminalId);
    },

    saidOnline(terminalId: string): void {
      seenAt.set(terminalId, clock.now());
      saidOffline.delete(terminalId);
    },

    saidOffline(terminalId: string): void {
      saidOffline.add(terminalId);
    },

    forget(terminalId: string): void {
      seenAt.delete(terminalId);
      saidOffline.delete(terminalId);
      shown.delete(terminalId);
    },
  };
}
export type Presence = ReturnType<typeof createPresence>;
