import type { Clock } from '../lib/clock.ts';
import type { OpenPort, Port, PortEvents } from './port.ts';

/** The port of a line: opened when it is needed, thrown away after trouble, and not tried again too soon. */

/** Nobody listens there, the port cannot be opened, or it is too early to try again: no unit's fault. */
export class LineDown extends Error {}

const CONNECT_TIMEOUT_MS = 3_000;
const FIRST_BACK_OFF_MS = 500;
const LONGEST_BACK_OFF_MS = 30_000;

export interface ConnectionParts {
  name: string;
  /** Absent when the other end dials in: see `attach`. */
  open?: OpenPort;
  clock: Clock;
  /** Told when the line can be used again. */
  onUp?: () => void;
  heard(bytes: Buffer): void;
  /** The port is gone, by whichever side. */
  gone(reason: string): void;
}

export function createConnection({ name, open, clock, onUp, heard, gone }: ConnectionParts) {
  let port: Port | undefined;
  let closed = false;
  let failures = 0;
  let notBefore = 0;
  let trouble: string | undefined;
  let connects = 0;

  function drop(reason: string): void {
    const old = port;
    port = undefined;
    trouble = reason;
    old?.close();
    if (old) gone(reason);
  }

  /** What a port says counts only while it is the line's. */
  const eventsOf = (isCurrent: () => boolean): PortEvents => ({
    heard: (bytes) => void (isCurrent() && heard(bytes)),
    ended: (reason) => void (isCurrent() && drop(reason)),
  });

  function take(fresh: Port): Port {
    port = fresh;
    failures = 0;
    trouble = undefined;
    connects += 1;
    return fresh;
  }

  function failed(error: unknown): LineDown {
    trouble = error instanceof Error ? error.message : String(error);
    // Jitter keeps lines that failed together from coming back together.
    const longest = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** failures);
    notBefore = clock.ticks() + longest * (0.5 + Math.random() / 2);
    failures += 1;
    return new LineDown(`${name}: ${trouble}`);
  }

  async function tryOpen(way: OpenPort): Promise<Port> {
    const giveUp = new AbortController();
    using _timer = clock.after(CONNECT_TIMEOUT_MS, () => giveUp.abort());
    let mine: Port | undefined;
    let over: string | undefined;
    const events = eventsOf(() => mine !== undefined && port === mine);
    const ended = (reason: string) => {
      over = reason;
      events.ended(reason);
    };
    mine = await way({ heard: events.heard, ended }, giveUp.signal);
    if (over !== undefined) throw new Error(over);
    if (!closed) return take(mine);
    mine.close();
    throw new Error('closed');
  }

  return {
    current: (): Port | undefined => port,

    /** The open port. Rejects with `LineDown`. */
    async connected(): Promise<Port> {
      if (closed) throw new LineDown(`${name}: closed`);
      if (port) return port;
      if (!open) throw new LineDown(`${name}: ${trouble ?? 'has not dialled in'}`);
      if (clock.ticks() < notBefore) throw new LineDown(`${name}: ${trouble}`);
      const wasDown = failures > 0;
      try {
        const fresh = await tryOpen(open);
        if (wasDown) onUp?.();
        return fresh;
      } catch (error) {
        throw failed(error);
      }
    },

    /** The other end dialled in. What was there before is closed. */
    attach(socketPort: (events: PortEvents) => Port): void {
      if (closed) return;
      drop('another connection came in its place');
      let mine: Port | undefined;
      mine = socketPort(eventsOf(() => mine !== undefined && port === mine));
      take(mine);
      onUp?.();
    },

    drop,
    state: () => ({ isUp: port !== undefined, trouble: trouble ?? null, connects }),
    /** For good. */
    close(): void {
      closed = true;
      drop('closed');
    },
    /** From now on nothing is opened any more; what is open stays until `close`. */
    end(): void {
      closed = true;
    },
  };
}
