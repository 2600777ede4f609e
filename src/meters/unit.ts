import { createAnswering } from '../lines/answering.ts';
import type { Device, DeviceParts } from '../lines/device.ts';
import { type Ask, LineDown } from '../lines/line.ts';
import { Refusal } from '../lines/question.ts';
import { createUnitFigures } from '../lines/unit-figures.ts';
import type { MeterData } from '../terminals/meter-values.ts';
import type { Profile } from '../terminals/profile.ts';
import type { Terminal } from '../terminals/registry.ts';
import type { Talk } from './talk.ts';
import { createWatch } from './watch.ts';

/** One meter on a line: when it is read, whether it answers at all, and how it is told. */

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
  const { rested, mayCommand, ...answering } = createAnswering(parts, { key: address, timeoutMs: parts.timeoutMs });
  const figures = createUnitFigures(clock);
  const options = { timeoutMs: parts.timeoutMs, record: figures.record };
  const toldOf = new Set<string>();
  const watch = createWatch(clock);

  const ask: Ask = async (question) => {
    await rested();
    return line.read(address, question, { ...options, probes: talk.probes() });
  };

  function judge(error?: unknown): void {
    if (error !== undefined && !(error instanceof LineDown)) talk.silent();
    answering.judge(error);
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
    figures,
    breaker: answering.breaker,
    answeredAt: answering.answeredAt,
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
      if (!mayCommand()) return { result: 'not_given' };
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
