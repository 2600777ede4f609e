import { pause } from '../lib/clock.ts';
import { createBreaker } from '../modbus/breaker.ts';
import { Refusal } from '../modbus/codec.ts';
import type { Device, DeviceParts } from '../modbus/device.ts';
import { type Ask, LineDown } from '../modbus/line.ts';
import { createUnitFigures } from '../modbus/unit-figures.ts';
import type { MeterData } from '../terminals/meter-values.ts';
import type { Profile } from '../terminals/profile.ts';
import type { Terminal } from '../terminals/registry.ts';
import type { Talk } from './talk.ts';
import { createWatch } from './watch.ts';

/** One meter on a line: when it is read, whether it answers at all, and how it is told. */

/** How long a command rests for a meter that does not answer, in its time-outs. */
const COMMAND_REST = 10;

export interface MeterParts extends DeviceParts {
  address: string;
  profile: Profile;
  timeoutMs: number;
  talk: Talk;
  /** `time` is when the reading began, epoch ms: what was asked before a command does not show it. */
  receive(terminal: Terminal, data: MeterData, time: number): Promise<void>;
}

export function createMeter(parts: MeterParts): Device {
  const { line, address, profile, clock, talk } = parts;
  const breaker = createBreaker(clock);
  const figures = createUnitFigures(clock);
  const timeoutMs = line.timeoutMs ?? parts.timeoutMs;
  const options = { timeoutMs: parts.timeoutMs, record: figures.record };
  const toldOf = new Set<string>();
  let commandNotBefore = 0;
  let answeredAt = Number.NEGATIVE_INFINITY;
  const watch = createWatch(clock);

  /** A meter that owes an answer is left alone for a while; meanwhile the line belongs to others. */
  async function rested(): Promise<void> {
    const ms = line.restMs(address);
    if (ms > 0) await pause(clock, Math.ceil(ms));
  }

  const ask: Ask = async (question) => {
    await rested();
    return line.read(address, question, { ...options, probes: talk.probes() });
  };

  /** What a failure says about the meter. A line that is down says nothing. */
  function judge(error: unknown): void {
    if (error === undefined) {
      const since = breaker.succeeded();
      if (since !== undefined) parts.onBack(since);
      answeredAt = clock.ticks();
    } else if (!(error instanceof LineDown)) {
      talk.silent();
      breaker.failed({ timeoutMs, periodMs: parts.periodMs, silentUnits: Math.max(1, parts.silentUnits()) });
    }
  }

  function tellRefused(): void {
    const left = talk.leftOut();
    for (const di of left) if (!toldOf.has(di)) parts.onRefused(di, new Refusal('the meter has no such data'));
    toldOf.clear();
    for (const di of left) toldOf.add(di);
  }

  return {
    unit: address,
    line,
    breaker,
    figures,
    answeredAt: () => answeredAt,
    leftOut: talk.leftOut,

    async poll() {
      const data = new Map<string, Buffer>();
      const time = clock.now();
      let error: unknown;
      try {
        await talk.read(ask, data);
      } catch (caught) {
        error = caught;
      }
      judge(error);
      tellRefused();
      return { error, take: data.size > 0 ? (terminal) => parts.receive(terminal, data, time) : undefined };
    },

    async give({ command, value, expiresAt }, begin) {
      const definition = profile.commands[command];
      if (!definition) return { result: 'not_given' };
      const order = { definition, value, expiresAt };
      const unfit = talk.unfit?.(order);
      if (unfit !== undefined) {
        return (await begin()) ? { result: 'refused', reason: unfit } : { result: 'not_given' };
      }
      // A meter that does not answer must not take the line from its neighbours because somebody waits for it.
      if (breaker.waitMs() > 0 && clock.ticks() < commandNotBefore) return { result: 'not_given' };
      commandNotBefore = clock.ticks() + COMMAND_REST * timeoutMs;
      try {
        await rested();
        const sent = await line.turn(address, { ...options, probes: talk.probes() }, async (within) => {
          if (!(await begin())) return false;
          watch.begin(definition.timeoutS * 1_000);
          return talk.send(within, order);
        });
        // Where nothing was sent nothing was heard.
        if (sent) judge(undefined);
        return { result: sent ? 'taken' : 'not_given' };
      } catch (error) {
        judge(error instanceof Refusal ? undefined : error);
        throw error;
      }
    },

    watchMs: watch.everyMs,
  };
}
