import type { Command } from '../commands/commands.ts';
import type { Carrier } from '../downlink.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { RegisterFrame } from '../terminals/decode.ts';
import { commandNumber, registerAddress, registerWords } from '../terminals/encode.ts';
import type { Profile } from '../terminals/profile.ts';
import type { Registry, Terminal } from '../terminals/registry.ts';
import type { Uplink } from '../uplink.ts';
import { createLine, type Line, LineDown, ModbusException } from './line.ts';
import { plan, type ReadRequest } from './plan.ts';

/** Polls every Modbus terminal by its profile, and writes its commands. */

type ModbusTerminal = Terminal & { connection: { type: 'modbus' } };
type Poll = NonNullable<Profile['poll']>;

const isModbus = (terminal: Terminal | undefined): terminal is ModbusTerminal => terminal?.connection.type === 'modbus';

/** After a command, its terminal is read again this soon, so that the confirmation need not wait for the next poll. */
const READ_AFTER_WRITE_MS = 1_000;

/** Dispose ends after the requests under way. */
export function startBridge(parts: {
  registry: Registry;
  uplink: Uplink;
  clock: Clock;
  log: Logger;
  pollEveryS: number | undefined;
}) {
  const { registry, uplink, clock, log } = parts;
  const lines = new Map<string, Line>();
  const polls = new Map<string, Disposable>();
  const failing = new Set<string>();
  let stopped = false;

  function lineOf({ connection: { line } }: ModbusTerminal): Line {
    const key = `${line.host}:${line.port}`;
    const known = lines.get(key) ?? createLine({ ...line, clock });
    lines.set(key, known);
    return known;
  }

  async function readAll(terminal: ModbusTerminal, poll: Poll): Promise<RegisterFrame> {
    const registers = Object.values(terminal.profile.metrics).flatMap((metric) => metric.from ?? []);
    const frame: RegisterFrame = { holding: new Map(), input: new Map() };
    for (const request of plan(registers, poll)) {
      const words = await read(terminal, request, poll);
      for (const [index, word] of words.entries()) frame[request.table].set(request.address + index, word);
    }
    return frame;
  }

  /** A device that does not know some registers still gives the others. */
  async function read(terminal: ModbusTerminal, request: ReadRequest, poll: Poll): Promise<number[]> {
    try {
      return await lineOf(terminal).read(terminal.connection.unit, request, poll.timeoutMs);
    } catch (error) {
      if (!(error instanceof ModbusException)) throw error;
      log.warn({ terminal: terminal.id, request, exception: error.exceptionCode }, 'modbus: the device refused a read');
      return [];
    }
  }

  async function pollOnce(terminalId: string): Promise<void> {
    const terminal = registry.find(terminalId);
    const poll = terminal?.profile.poll;
    if (!isModbus(terminal) || !poll) return;
    const { host, port } = terminal.connection.line;
    try {
      await uplink.receiveRegisters(terminal, await readAll(terminal, poll));
      for (const what of [terminalId, `${host}:${port}`])
        if (failing.delete(what)) log.info({ what }, 'modbus: answers again');
    } catch (error) {
      // A line that is down is one trouble, not one of each unit; and every trouble is said once, not at every poll.
      const what = error instanceof LineDown ? `${host}:${port}` : terminalId;
      if (!failing.has(what)) log.warn({ what, reason: String(error) }, 'modbus: poll failed');
      failing.add(what);
    }
  }

  function pollIn(terminalId: string, ms: number): void {
    if (stopped) return;
    polls.get(terminalId)?.[Symbol.dispose]();
    const poll = clock.after(ms, async () => {
      await pollOnce(terminalId);
      const everyS = parts.pollEveryS ?? registry.find(terminalId)?.profile.poll?.everyS;
      // Unless another poll was asked for meanwhile.
      if (everyS !== undefined && polls.get(terminalId) === poll) pollIn(terminalId, everyS * 1_000);
    });
    polls.set(terminalId, poll);
  }

  /** Begins, or ends, polling a terminal that was added, changed or removed. */
  function refresh(terminalId: string): void {
    polls.get(terminalId)?.[Symbol.dispose]();
    polls.delete(terminalId);
    if (isModbus(registry.find(terminalId))) pollIn(terminalId, 0);
  }

  /** A single bit is changed in the word that is there. What the device made of it, the next reading shows. */
  async function write(terminal: ModbusTerminal, command: Command, poll: Poll): Promise<void> {
    const definition = terminal.profile.commands[command.command];
    const number = definition && commandNumber(definition, command.value);
    if (!definition?.to || number === undefined) throw new Error(`${command.command} is not in the profile any more`);
    const line = lineOf(terminal);
    const address = registerAddress(definition.to);
    const unit = terminal.connection.unit;
    const one: ReadRequest = { table: 'holding', address, count: 1 };
    const present = definition.to.bit === undefined ? 0 : ((await line.read(unit, one, poll.timeoutMs))[0] ?? 0);
    await line.write(unit, address, registerWords(definition.to, number, present), poll.timeoutMs);
  }

  const carrier: Carrier = {
    reaches: (terminal) => !stopped && isModbus(terminal) && lineOf(terminal).ready(),

    async give(terminal, command) {
      const poll = terminal.profile.poll;
      if (!isModbus(terminal) || !poll) throw new Error(`${terminal.id} is no Modbus terminal`);
      try {
        await write(terminal, command, poll);
        return { result: 'taken' };
      } catch (error) {
        if (error instanceof ModbusException) return { result: 'refused', reason: error.message };
        throw error;
      } finally {
        pollIn(terminal.id, READ_AFTER_WRITE_MS);
      }
    },
  };

  let spread = 0;
  for (const terminal of registry.all()) {
    // A millisecond apart, so that thousands do not begin in one instant.
    if (isModbus(terminal)) pollIn(terminal.id, spread++);
  }

  return {
    carrier,
    refresh,
    async [Symbol.asyncDispose](): Promise<void> {
      stopped = true;
      for (const poll of polls.values()) poll[Symbol.dispose]();
      await Promise.all([...lines.values()].map((line) => line[Symbol.asyncDispose]()));
    },
  };
}
