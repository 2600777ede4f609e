import type { Command, Commands } from './commands/commands.ts';
import { isWaiting } from './commands/lifecycle.ts';
import { type Clock, every } from './lib/clock.ts';
import type { Logger } from './lib/log.ts';
import type { Registry, Terminal } from './terminals/registry.ts';

/** Everything that happens to a command after it is a row, in order. */

/** A way to a terminal: MQTT or Modbus. */
export interface Carrier {
  /** Whether a command given now would reach the terminal. */
  reaches(terminal: Terminal): boolean | Promise<boolean>;
  /**
   * Gives the command to the terminal. `taken` when the wire itself proves that the terminal took it, `refused` when it says no,
   * `given` when an answer may follow. Throwing means that nobody knows what the terminal got.
   */
  give(
    terminal: Terminal,
    command: Command,
  ): Promise<{ result: 'given' | 'taken' } | { result: 'refused'; reason: string }>;
}

const SWEEP_MS = 1_000;

/** Dispose ends the sweep; what is queued is sent after the next start, if it has not expired by then. */
export function startDownlink(parts: {
  commands: Commands;
  registry: Registry;
  carriers: Record<Terminal['connection']['type'], Carrier>;
  clock: Clock;
  log: Logger;
}) {
  const { commands, registry, carriers, clock, log } = parts;
  const busy = new Set<string>();

  /** Sends the oldest queued command, if none is under way and the terminal can be reached. */
  async function dispatch(terminal: Terminal): Promise<void> {
    const carrier = carriers[terminal.connection.type];
    for (;;) {
      const open = commands.openOf(terminal.id);
      const command = open.find((one) => one.state === 'queued');
      if (!command || open.some((one) => isWaiting(one.state))) return;
      const reached = await carrier.reaches(terminal);
      if (clock.now() >= command.expiresAt) {
        await commands.step(command, 'expire', 'not_sent');
        continue;
      }
      if (!reached) return;
      await send(carrier, terminal, command);
    }
  }

  /**
   * The row comes before the message: when the gateway dies between them, the command is never sent twice, and a reading or the
   * time-out tells what became of it.
   */
  async function send(carrier: Carrier, terminal: Terminal, command: Command): Promise<void> {
    const sent = await commands.step(command, 'send', 'sent', terminal.connection.type);
    if (!sent) return;
    try {
      const outcome = await carrier.give(terminal, sent);
      if (outcome.result === 'taken') await commands.step(sent, 'acknowledge', 'taken');
      if (outcome.result === 'refused') await commands.step(sent, 'reject', 'refused_by_terminal', outcome.reason);
    } catch (error) {
      log.warn({ err: error, command: command.id }, 'command: sent, but nobody knows whether it arrived');
    }
  }

  /** Tries to send now; call it when a command was queued, another ended, or the terminal can be reached again. */
  async function kick(terminalId: string): Promise<void> {
    const terminal = registry.find(terminalId);
    if (!terminal || busy.has(terminalId)) return;
    busy.add(terminalId);
    try {
      await dispatch(terminal);
    } finally {
      busy.delete(terminalId);
    }
  }

  async function expireOrTimeOut(terminal: Terminal | undefined, command: Command): Promise<void> {
    const now = clock.now();
    if ((command.state === 'queued' || command.state === 'held') && now >= command.expiresAt) {
      await commands.step(command, 'expire', 'not_sent');
    }
    const timeoutMs = (terminal?.profile.commands[command.command]?.timeoutS ?? 0) * 1_000;
    if (isWaiting(command.state) && now >= (command.sentAt ?? 0) + timeoutMs) {
      await commands.step(command, 'time_out', command.state === 'sent' ? 'unknown' : 'not_shown');
    }
  }

  async function sweep(): Promise<void> {
    for (const terminalId of commands.openTerminals()) {
      for (const command of commands.openOf(terminalId)) await expireOrTimeOut(registry.find(terminalId), command);
      await kick(terminalId);
    }
  }

  const turns = every(clock, SWEEP_MS, () =>
    sweep().catch((error) => log.error({ err: error }, 'command sweep failed')),
  );

  return {
    /** Never rejects: what goes wrong is in the log, and the sweep tries again. */
    kick: (terminalId: string): void => {
      kick(terminalId).catch((error) => log.error({ err: error, terminalId }, 'command: dispatch failed'));
    },
    async [Symbol.asyncDispose](): Promise<void> {
      turns[Symbol.dispose]();
    },
  };
}
export type Downlink = ReturnType<typeof startDownlink>;
