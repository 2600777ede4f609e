import type { Command } from './commands/commands.ts';
import type { Control } from './commands/control.ts';
import { isArm } from './commands/effect.ts';
import { isWaiting } from './commands/lifecycle.ts';
import { contextOf } from './commands/requests.ts';
import { codesOf } from './commands/rules.ts';
import { type Clock, every } from './lib/clock.ts';
import type { Logger } from './lib/log.ts';
import type { Registry, Terminal } from './terminals/registry.ts';

/** Everything that happens to a command after it is a row, in order. */

/**
 * What a carrier made of a command: nothing left the gateway; given, and an answer may follow; taken, as the wire itself proves;
 * given to nobody, as somebody between says who knows; or refused by the terminal.
 */
type Outcome = { result: 'not_given' | 'given' | 'taken' | 'not_listening' } | { result: 'refused'; reason: string };

/** A way to a terminal: MQTT or Modbus. */
export interface Carrier {
  /**
   * Gives the command to the terminal. Calls `begin` in the last moment before anything leaves, and stops when that says false.
   * Throwing means that nobody knows what the terminal got.
   */
  give(terminal: Terminal, command: Command, begin: () => Promise<boolean>): Promise<Outcome>;
}

const SWEEP_MS = 1_000;

/** Dispose ends the sweep; what is queued is sent after the next start, if it has not expired by then. */
export function startDownlink(parts: {
  control: Pick<Control, 'commands' | 'judge'>;
  registry: Pick<Registry, 'find'>;
  carriers: Record<Terminal['connection']['type'], Carrier>;
  clock: Clock;
  log: Logger;
}) {
  const { registry, carriers, clock, log } = parts;
  const { commands, judge } = parts.control;
  const busy = new Set<string>();

  /** Sends the oldest queued command, if none is under way and the terminal can be reached; then the next, if that one ended at once. */
  async function dispatch(terminal: Terminal): Promise<void> {
    for (;;) {
      const open = commands.openOf(terminal.id);
      const command = open.find((one) => one.state === 'queued');
      if (!command || open.some((one) => isWaiting(one.state)) || !(await send(terminal, command))) return;
    }
  }

  /**
   * Whether anything was sent, or is over without that, so that the next may follow. The row comes before the message: when the gateway dies between them, the command is never sent twice,
   * and a reading or the time-out tells what became of it.
   */
  async function send(terminal: Terminal, command: Command): Promise<boolean> {
    const { type } = terminal.connection;
    let sent: Command | undefined;
    let refused: Command | undefined;
    const begin = async () => {
      if (commands.isExpired(command)) return false;
      const { decision, rules, policyVersion } = await judge(terminal, command, contextOf(command));
      // The second barrier: it was allowed when it was asked for, and something has changed since.
      if (decision === 'allowed') sent = await commands.step(command, 'send', 'sent', type);
      else
        refused = await commands.step(command, 'refuse', 'policy', codesOf(rules), { also: { rules, policyVersion } });
      if (!sent || !commands.isExpired(sent)) return sent !== undefined;
      // A database that was slow has eaten the time that was left.
      await commands.step(sent, 'return', 'not_sent');
      sent = undefined;
      return false;
    };
    try {
      const outcome = await carriers[type].give(terminal, command, begin);
      if (!sent) return refused !== undefined;
      if (outcome.result === 'not_listening') {
        await takeBack(sent);
        return false;
      }
      if (outcome.result === 'taken') await commands.step(sent, 'acknowledge', 'taken');
      if (outcome.result === 'refused') await commands.step(sent, 'reject', 'refused_by_terminal', outcome.reason);
    } catch (error) {
      if (sent) log.warn({ err: error, command: command.id }, 'command: given, but nobody knows whether it arrived');
      else log.error({ err: error, command: command.id }, 'command: not sent');
    }
    return sent !== undefined;
  }

  /** Nobody got it. It waits for the next try, but for an `arm`, which is never tried twice. */
  async function takeBack(sent: Command): Promise<void> {
    const back = await commands.step(sent, 'return', 'not_listening');
    if (back && isArm(back.value)) await commands.step(back, 'expire', 'not_listening');
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
    if ((command.state === 'queued' || command.state === 'held') && commands.isExpired(command)) {
      await commands.step(command, 'expire', command.state === 'held' ? 'not_approved' : 'not_sent');
    }
    const openWithinS = isArm(command.value) && terminal?.profile.limits[command.command]?.openWithinS;
    const timeoutMs = (openWithinS || terminal?.profile.commands[command.command]?.timeoutS || 0) * 1_000;
    if (isWaiting(command.state) && commands.sinceSentMs(command) >= timeoutMs) {
      const shown = openWithinS ? 'not_opened' : 'not_shown';
      await commands.step(command, 'time_out', command.state === 'sent' ? 'unknown' : shown);
    }
  }

  /** Never rejects: what goes wrong is in the log, and the sweep tries again. */
  function kickSoon(terminalId: string): void {
    kick(terminalId).catch((error) => log.error({ err: error, terminalId }, 'command: dispatch failed'));
  }

  async function sweep(): Promise<void> {
    for (const terminalId of commands.openTerminals()) {
      for (const command of commands.openOf(terminalId)) await expireOrTimeOut(registry.find(terminalId), command);
      // Not awaited: a line that is slow to connect must not hold up the others.
      kickSoon(terminalId);
    }
  }

  const turns = every(clock, SWEEP_MS, sweep, (error) => log.error({ err: error }, 'command: sweep failed'));

  return {
    kick: kickSoon,
    async [Symbol.asyncDispose](): Promise<void> {
      turns[Symbol.dispose]();
    },
  };
}
export type Downlink = ReturnType<typeof startDownlink>;
