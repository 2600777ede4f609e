import type { Command } from '../commands/commands.ts';
import type { Carrier } from '../downlink.ts';
import { type Clock, every } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { lineName } from '../terminals/lines.ts';
import type { Registry, Terminal } from '../terminals/registry.ts';
import type { Device, Kind } from './device.ts';
import { createDialIn } from './dial-in.ts';
import { LineDown } from './line.ts';
import { createLines, WAYS, type Ways } from './lines.ts';
import { Refusal } from './question.ts';
import { lineStates } from './states.ts';

/** Polls every terminal on a line by its profile, and writes its commands. */

/** After a command, its terminal is read again this soon, so that the confirmation need not wait for the next poll. */
const READ_AFTER_WRITE_MS = 1_000;
/** Units of a line that is up again are asked within this time, not all at once. */
const OWNERS_MS = 1_000;
const SPREAD_MS = 1_000;

/** A terminal with its device. `reach` is its line, what it is called there and its profile, as text. */
export interface Polled {
  unit: Device;
  line: string;
  reach: string;
}

/** Dispose ends after the requests under way. */
export function startBridge(parts: {
  registry: Pick<Registry, 'find' | 'all'>;
  /** What speaks on lines. */
  kinds: readonly Kind[];
  clock: Clock;
  log: Logger;
  settings: {
    pollEveryS?: number | undefined;
    listenHost: string;
    connections: number;
    registrationS: number;
  };
  /** Whether a line is this gateway's: of several gateways one speaks on each. */
  owns?: (line: string) => boolean;
  /** How lines are opened. */
  ways?: Ways;
}) {
  const { registry, kinds, clock, log, settings, owns = () => true } = parts;
  const { listenHost: host, connections, registrationS } = settings;
  const dialIn = createDialIn({ host, connections, registrationMs: registrationS * 1_000, clock, log });
  const closing = (closed: Promise<void>) =>
    void closed.catch((error: unknown) => log.warn({ err: error }, 'modbus: closing a line failed'));
  const lines = createLines({ dialIn, clock, onUp: askAgain, closing, ways: parts.ways ?? WAYS });
  const polled = new Map<string, Polled>();
  const byLine = new Map<string, Set<string>>();
  const polls = new Map<string, Disposable>();
  /** What is in trouble: lines and terminals. Said once, not at every poll. */
  const failing = new Set<string>();
  let stopped = false;
  /** A line that another gateway has taken over is closed at once: a converter may take one client only. */
  const giving = every(clock, OWNERS_MS, giveAway, (error) =>
    log.error({ err: error }, 'modbus: giving lines away failed'),
  );

  /** Where a terminal is, and how it is spoken to; undefined for one on no line. */
  function placeOf(terminal: Terminal | undefined) {
    for (const kind of terminal ? kinds : []) {
      const place = terminal && kind.placeOf(terminal);
      if (place) return { ...place, kind, periodMs: (settings.pollEveryS ?? place.everyS) * 1_000 };
    }
    return undefined;
  }

  const unitsOf = (line: string): Device[] => [...(byLine.get(line) ?? [])].flatMap((id) => polled.get(id)?.unit ?? []);

  type Place = NonNullable<ReturnType<typeof placeOf>>;

  function reachOf({ profile }: Terminal, { line, unit }: Place): string {
    return JSON.stringify([line, unit, profile.profile]);
  }

  function add(terminal: Terminal, place: Place): void {
    const line = lineName(place.line);
    const unit = place.kind.open(terminal, {
      line: lines.of(place.line),
      clock,
      periodMs: place.periodMs,
      silentUnits: () => unitsOf(line).filter(({ breaker }) => breaker.isOpen()).length,
      onBack: (since) => lineIsBack(line, since),
      onRefused: (what, error) =>
        log.warn(
          { terminal: terminal.id, what, reason: error.message },
          'modbus: left out for a day, the device refuses it',
        ),
    });
    polled.set(terminal.id, { unit, line, reach: reachOf(terminal, place) });
    byLine.set(line, (byLine.get(line) ?? new Set()).add(terminal.id));
  }

  function drop(terminalId: string): void {
    polls.get(terminalId)?.[Symbol.dispose]();
    polls.delete(terminalId);
    leave(terminalId);
  }

  /** A line without any terminal left is closed. */
  function leave(terminalId: string): void {
    const old = polled.get(terminalId);
    failing.delete(terminalId);
    if (!old) return;
    polled.delete(terminalId);
    byLine.get(old.line)?.delete(terminalId);
    if (byLine.get(old.line)?.size !== 0) return;
    byLine.delete(old.line);
    failing.delete(old.line);
    lines.close(old.line);
  }

  function tell(terminalId: string, line: string, error: unknown): void {
    if (error === undefined) {
      for (const what of [terminalId, line]) if (failing.delete(what)) log.info({ what }, 'modbus: answers again');
      return;
    }
    // A line that is down is one trouble, not one of each unit.
    const what = error instanceof LineDown ? line : terminalId;
    if (!failing.has(what)) log.warn({ what, reason: String(error) }, 'modbus: poll failed');
    failing.add(what);
  }

  /** Whether this gateway polls a terminal; which one does changes when another comes or goes. */
  function isOurs(terminalId: string): boolean {
    const terminal = registry.find(terminalId);
    const place = placeOf(terminal);
    if (!terminal || !place) return false;
    const ours = owns(lineName(place.line));
    if (!ours) leave(terminalId);
    else if (!polled.has(terminalId)) add(terminal, place);
    return ours;
  }

  function giveAway(): void {
    for (const [line, ids] of byLine) if (!owns(line)) for (const id of [...ids]) leave(id);
  }

  async function pollOnce(terminalId: string): Promise<void> {
    if (!isOurs(terminalId)) return;
    const one = polled.get(terminalId);
    if (!one) return;
    const { take, error } = await one.unit.poll();
    const terminal = registry.find(terminalId);
    // It may have moved to another line meanwhile: then this is no longer its reading.
    if (!terminal || polled.get(terminalId) !== one) return;
    tell(terminalId, one.line, error);
    await take?.(terminal);
  }

  function pollIn(terminalId: string, ms: number): void {
    if (stopped) return;
    polls.get(terminalId)?.[Symbol.dispose]();
    const poll = clock.after(ms, async () => {
      try {
        await pollOnce(terminalId);
      } catch (error) {
        log.error({ err: error, terminal: terminalId }, 'modbus: a reading was lost');
      }
      const place = placeOf(registry.find(terminalId));
      // Unless another poll was asked for meanwhile.
      if (!place || polls.get(terminalId) !== poll) return;
      const unit = polled.get(terminalId)?.unit;
      const usualMs = Math.min(place.periodMs, unit?.watchMs?.() ?? place.periodMs);
      pollIn(terminalId, Math.max(usualMs, unit?.breaker.waitMs() ?? 0));
    });
    polls.set(terminalId, poll);
  }

  /** The line can be used again: its terminals need not wait for their next poll. */
  function askAgain(line: string): void {
    for (const id of byLine.get(line) ?? []) {
      if (polled.get(id)?.unit.breaker.waitMs() === 0) pollIn(id, Math.random() * SPREAD_MS);
    }
  }

  /** When a whole line was silent and one unit answers, the others probably do too. */
  function lineIsBack(line: string, since: number): void {
    const ids = [...(byLine.get(line) ?? [])];
    if (ids.some((id) => (polled.get(id)?.unit.answeredAt() ?? 0) > since)) return;
    for (const id of ids) {
      const unit = polled.get(id)?.unit;
      if (!unit?.breaker.isOpen()) continue;
      unit.breaker.tryNow();
      pollIn(id, Math.random() * SPREAD_MS);
    }
  }

  /** Begins, or ends, polling a terminal that was added, changed or removed. */
  function refresh(terminalId: string): void {
    const terminal = registry.find(terminalId);
    const place = placeOf(terminal);
    if (terminal && place && polled.get(terminalId)?.reach === reachOf(terminal, place)) return;
    drop(terminalId);
    if (!terminal || !place) return;
    add(terminal, place);
    pollIn(terminalId, 0);
  }

  const carrier = {
    /** See `Carrier`. */
    async give(
      terminal: Terminal,
      command: Pick<Command, 'command' | 'value' | 'expiresAt'>,
      begin: () => Promise<boolean>,
    ): ReturnType<Carrier['give']> {
      const one = polled.get(terminal.id);
      if (stopped || !one || !owns(one.line)) return { result: 'not_given' };
      let begun = false;
      try {
        return await one.unit.give(command, async () => {
          begun = await begin();
          return begun;
        });
      } catch (error) {
        if (!begun) return { result: 'not_given' };
        if (error instanceof Refusal) return { result: 'refused', reason: error.message };
        throw error;
      } finally {
        if (begun) pollIn(terminal.id, READ_AFTER_WRITE_MS);
      }
    },
  };

  let spread = 0;
  for (const terminal of registry.all()) {
    const place = placeOf(terminal);
    if (!place) continue;
    add(terminal, place);
    // A millisecond apart, so that thousands do not begin in one instant.
    pollIn(terminal.id, spread++);
  }

  return {
    carrier,
    refresh,
    state: () => ({
      lines: lines.size(),
      down: lines.all().filter(({ name }) => failing.has(name)).length,
      ...dialIn.state(),
    }),
    /** Every line with its units, for those who look after them. */
    lines: () => lineStates({ lines: lines.all(), polled, dialIn }),
    async [Symbol.asyncDispose](): Promise<void> {
      stopped = true;
      giving[Symbol.dispose]();
      for (const poll of polls.values()) poll[Symbol.dispose]();
      await lines[Symbol.asyncDispose]();
      dialIn[Symbol.dispose]();
    },
  };
}
