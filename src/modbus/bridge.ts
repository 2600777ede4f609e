import type { Command } from '../commands/commands.ts';
import type { Carrier } from '../downlink.ts';
import { type Clock, every } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { lineName } from '../terminals/lines.ts';
import type { Profile } from '../terminals/profile.ts';
import type { Registry, Terminal } from '../terminals/registry.ts';
import type { Uplink } from '../uplink.ts';
import { ModbusException } from './codec.ts';
import { createDialIn } from './dial-in.ts';
import { LineDown } from './line.ts';
import { createLines, WAYS, type Ways } from './lines.ts';
import { lineStates } from './states.ts';
import { targetOf } from './target.ts';
import { createUnit, type Unit } from './unit.ts';

/** Polls every Modbus terminal by its profile, and writes its commands. */

type ModbusTerminal = Terminal & {
  connection: { type: 'modbus' };
  profile: Profile & { poll: NonNullable<Profile['poll']> };
};

const isModbus = (terminal: Terminal | undefined): terminal is ModbusTerminal =>
  terminal?.connection.type === 'modbus' && terminal.profile.poll !== undefined;

/** After a command, its terminal is read again this soon, so that the confirmation need not wait for the next poll. */
const READ_AFTER_WRITE_MS = 1_000;
/** Units of a line that is up again are asked within this time, not all at once. */
const OWNERS_MS = 1_000;
const SPREAD_MS = 1_000;

/** A terminal with its unit. `reach` is its line and unit number, as text. */
export interface Polled {
  unit: Unit;
  line: string;
  reach: string;
}

/** Dispose ends after the requests under way. */
export function startBridge(parts: {
  registry: Pick<Registry, 'find' | 'all'>;
  uplink: Pick<Uplink, 'receiveRegisters'>;
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
  const { registry, uplink, clock, log, settings, owns = () => true } = parts;
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

  const periodMs = (terminal: ModbusTerminal): number => (settings.pollEveryS ?? terminal.profile.poll.everyS) * 1_000;

  const unitsOf = (line: string): Unit[] => [...(byLine.get(line) ?? [])].flatMap((id) => polled.get(id)?.unit ?? []);

  function reachOf({ connection, profile }: ModbusTerminal): string {
    return JSON.stringify([connection.line, connection.unit, profile.profile]);
  }

  function add(terminal: ModbusTerminal): void {
    const { line: address, unit: number } = terminal.connection;
    const line = lineName(address);
    const unit = createUnit({
      line: lines.of(address),
      unit: number,
      profile: terminal.profile,
      clock,
      periodMs: periodMs(terminal),
      silentUnits: () => unitsOf(line).filter(({ breaker }) => breaker.isOpen()).length,
      onBack: (since) => lineIsBack(line, since),
      onRefused: (what, error) =>
        log.warn(
          { terminal: terminal.id, what, reason: error.message },
          'modbus: left out for a day, the device refuses it',
        ),
    });
    polled.set(terminal.id, { unit, line, reach: reachOf(terminal) });
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
    if (!isModbus(terminal)) return false;
    const ours = owns(lineName(terminal.connection.line));
    if (!ours) leave(terminalId);
    else if (!polled.has(terminalId)) add(terminal);
    return ours;
  }

  function giveAway(): void {
    for (const [line, ids] of byLine) if (!owns(line)) for (const id of [...ids]) leave(id);
  }

  async function pollOnce(terminalId: string): Promise<void> {
    if (!isOurs(terminalId)) return;
    const one = polled.get(terminalId);
    if (!one) return;
    const { frame, values, error } = await one.unit.poll();
    const terminal = registry.find(terminalId);
    // It may have moved to another line meanwhile: then this is no longer its reading.
    if (!isModbus(terminal) || polled.get(terminalId) !== one) return;
    tell(terminalId, one.line, error);
    if (values > 0) await uplink.receiveRegisters(terminal, frame);
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
      const terminal = registry.find(terminalId);
      // Unless another poll was asked for meanwhile.
      if (!isModbus(terminal) || polls.get(terminalId) !== poll) return;
      pollIn(terminalId, Math.max(periodMs(terminal), polled.get(terminalId)?.unit.breaker.waitMs() ?? 0));
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
    if (isModbus(terminal) && polled.get(terminalId)?.reach === reachOf(terminal)) return;
    drop(terminalId);
    if (!isModbus(terminal)) return;
    add(terminal);
    pollIn(terminalId, 0);
  }

  const carrier = {
    /** See `Carrier`. */
    async give(
      terminal: Terminal,
      command: Pick<Command, 'command' | 'value'>,
      begin: () => Promise<boolean>,
    ): ReturnType<Carrier['give']> {
      const one = polled.get(terminal.id);
      const target = targetOf(terminal.profile.commands[command.command], command.value);
      if (stopped || !one || !target || !owns(one.line)) return { result: 'not_given' };
      let begun = false;
      try {
        const written = await one.unit.write(target, async () => {
          begun = await begin();
          return begun;
        });
        if (!written) return { result: 'not_given' };
        pollIn(terminal.id, READ_AFTER_WRITE_MS);
        if (!written.shows) return { result: 'taken' };
        return { result: 'refused', reason: `the device shows ${written.shows.join(' ')} after the write` };
      } catch (error) {
        if (!begun) return { result: 'not_given' };
        pollIn(terminal.id, READ_AFTER_WRITE_MS);
        if (error instanceof ModbusException) return { result: 'refused', reason: error.message };
        throw error;
      }
    },
  };

  let spread = 0;
  for (const terminal of registry.all()) {
    if (!isModbus(terminal)) continue;
    add(terminal);
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
