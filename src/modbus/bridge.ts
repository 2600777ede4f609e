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

const keyOf = ({ connection: { line } }: ModbusTerminal): string => `${line.host}:${line.port}`;

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
  /** Whether a line is this gateway's: of several gateways one speaks on each. */
  owns: (line: string) => boolean;
}) {
  const { registry, uplink, clock, log } = parts;
  const lines = new Map<string, Line>();
  const polls = new Map<string, Disposable>();
  /** The line that each terminal was last reached over. */
  const usedLines = new Map<string, string>();
  /** What is in trouble: lines, terminals and single reads. Said once, not at every poll. */
  const failing = new Set<string>();
  let stopped = false;

  function lineOf(terminal: ModbusTerminal): Line {
    const key = keyOf(terminal);
    const known = lines.get(key) ?? createLine({ ...terminal.connection.line, clock });
    lines.set(key, known);
    usedLines.set(terminal.id, key);
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
      const what = `${terminal.id} ${request.table} ${request.address}`;
      if (!failing.has(what)) log.warn({ what, exception: error.exceptionCode }, 'modbus: the device refused a read');
      failing.add(what);
      return [];
    }
  }

  async function pollOnce(terminalId: string): Promise<void> {
    const terminal = registry.find(terminalId);
    const poll = terminal?.profile.poll;
    if (!isModbus(terminal) || !poll) return;
    const lineKey = keyOf(terminal);
    if (!parts.owns(lineKey)) return close(lineKey);
    try {
      await uplink.receiveRegisters(terminal, await readAll(terminal, poll));
      for (const what of [terminalId, lineKey]) if (failing.delete(what)) log.info({ what }, 'modbus: answers again');
    } catch (error) {
      // A line that is down is one trouble, not one of each unit.
      const what = error instanceof LineDown ? lineKey : terminalId;
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
    failing.delete(terminalId);
    closeLineLeftBy(terminalId);
    if (isModbus(registry.find(terminalId))) pollIn(terminalId, 0);
  }

  const carrier: Carrier = {
    /** A single bit is changed in the word that is there. What the device made of the write, the next reading shows. */
    async give(terminal, command, begin) {
      const poll = terminal.profile.poll;
      const definition = terminal.profile.commands[command.command];
      const number = definition && commandNumber(definition, command.value);
      const to = definition?.to;
      if (stopped || !isModbus(terminal) || !poll || !to || number === undefined) return { result: 'not_given' };
      if (!parts.owns(keyOf(terminal))) return { result: 'not_given' };
      const target = {
        address: registerAddress(to),
        readFirst: to.bit !== undefined,
        words: (present: number) => registerWords(to, number, present),
      };
      try {
        const written = await lineOf(terminal).write(terminal.connection.unit, target, poll.timeoutMs, begin);
        if (written) pollIn(terminal.id, READ_AFTER_WRITE_MS);
        return { result: written ? 'taken' : 'not_given' };
      } catch (error) {
        if (error instanceof LineDown) return { result: 'not_given' };
        pollIn(terminal.id, READ_AFTER_WRITE_MS);
        if (error instanceof ModbusException) return { result: 'refused', reason: error.message };
        throw error;
      }
    },
  };

  /** A line without any terminal left is closed. */
  function closeLineLeftBy(terminalId: string): void {
    const key = usedLines.get(terminalId);
    if (key === undefined || !lines.has(key)) return;
    usedLines.delete(terminalId);
    for (const terminal of registry.all()) if (isModbus(terminal) && keyOf(terminal) === key) return;
    close(key);
  }

  function close(key: string): void {
    const line = lines.get(key);
    if (!line) return;
    lines.delete(key);
    failing.delete(key);
    line[Symbol.asyncDispose]().catch((error) => log.warn({ err: error }, 'modbus: closing a line failed'));
  }

  let spread = 0;
  for (const terminal of registry.all()) {
    // A millisecond apart, so that thousands do not begin in one instant.
    if (isModbus(terminal)) pollIn(terminal.id, spread++);
  }

  return {
    carrier,
    refresh,
    state: () => ({ lines: lines.size, down: [...lines.keys()].filter((key) => failing.has(key)).length }),
    async [Symbol.asyncDispose](): Promise<void> {
      stopped = true;
      for (const poll of polls.values()) poll[Symbol.dispose]();
      await Promise.all([...lines.values()].map((line) => line[Symbol.asyncDispose]()));
    },
  };
}
