import { pause } from '../lib/clock.ts';
import { createAnswering } from '../lines/answering.ts';
import type { DeviceParts } from '../lines/device.ts';
import { createUnitFigures } from '../lines/unit-figures.ts';
import type { RegisterFrame } from '../terminals/decode.ts';
import type { Profile } from '../terminals/profile.ts';
import { ModbusException, type ReadRequest, type Request } from './codec.ts';
import { plan, probesOf, singles } from './plan.ts';
import { modbusQuestion } from './question.ts';
import type { WriteTarget } from './target.ts';
import { createTexts } from './texts.ts';

/** One unit on a line: what is read of it, what it refused, and whether it answers at all. */

const DAY_MS = 86_400_000;
/** A value must be refused so often before it is left out: a device that starts up refuses all. */
const REFUSALS = 2;
const BUSY_TRIES = 3;
const BUSY_WAIT_MS = 200;

/** Codes that say that this read will not do tomorrow either: no such function, no such register, not so many. */
const isRefusal = (error: unknown): error is ModbusException =>
  error instanceof ModbusException && [1, 2, 3].includes(error.exceptionCode);
/** Accepted and not done yet, or busy. */
const isBusy = (error: unknown): boolean => error instanceof ModbusException && [5, 6].includes(error.exceptionCode);
/** A gateway answered for the unit, which did not. */
const isAbsent = (error: unknown): boolean =>
  error instanceof ModbusException && [10, 11].includes(error.exceptionCode);

const keyOf = ({ table, address, count }: ReadRequest): string => `${table} ${address}+${count}`;

export interface UnitParts extends DeviceParts {
  unit: number;
  profile: Profile & { poll: NonNullable<Profile['poll']> };
}

/** What a poll brought; `error` when it had to end early. */
export interface PollResult {
  frame: Record<keyof RegisterFrame, Map<number, number>>;
  values: number;
  error?: unknown;
}

export function createUnit(parts: UnitParts) {
  const { line, unit, profile, clock } = parts;
  const { poll } = profile;
  const registers = Object.values(profile.metrics).flatMap((metric) => metric.from ?? []);
  const whole = plan(registers, poll);
  const { rested, judge, mayCommand, ...answering } = createAnswering(parts, { key: unit, timeoutMs: poll.timeoutMs });
  const figures = createUnitFigures(clock);
  const question = (request: Request) => modbusQuestion(unit, request);
  const written = Object.values(profile.commands).flatMap(({ to }) => to ?? []);
  const probes = probesOf(registers, whole, written).map(question);
  const options = { timeoutMs: poll.timeoutMs, probes, record: figures.record };
  /** Until when a read is left out, or made of its single values. Ticks. */
  const leftOut = new Map<string, number>();
  const alone = new Map<string, number>();
  const refusals = new Map<string, number>();
  const texts = createTexts({ texts: profile.texts, clock, read });

  const holds = (memory: Map<string, number>, request: ReadRequest): boolean => {
    const until = memory.get(keyOf(request));
    if (until === undefined || clock.ticks() < until) return until !== undefined;
    memory.delete(keyOf(request));
    return false;
  };

  const requests = (): ReadRequest[] =>
    whole
      .flatMap((request) => (holds(alone, request) ? singles(registers, request) : [request]))
      .filter((request) => !holds(leftOut, request));

  function forgetRefusals(): void {
    leftOut.clear();
    alone.clear();
    refusals.clear();
  }

  /** A busy device is asked again a little later; meanwhile the line belongs to others. */
  async function read(request: ReadRequest): Promise<number[]> {
    for (let tries = 1; ; tries += 1) {
      try {
        await rested();
        return await line.read(unit, question(request), options);
      } catch (error) {
        if (!isBusy(error) || tries === BUSY_TRIES) throw error;
        await pause(clock, BUSY_WAIT_MS * 2 ** tries);
      }
    }
  }

  /** Reads one request into the frame. What the device refuses together is asked alone, and what it refuses alone is left out. */
  async function readInto(frame: PollResult['frame'], request: ReadRequest): Promise<number> {
    try {
      const words = await read(request);
      for (const [i, word] of words.entries()) frame[request.table].set(request.address + i, word);
      refusals.delete(keyOf(request));
      return words.length;
    } catch (error) {
      if (!(error instanceof ModbusException) || isAbsent(error)) throw error;
      return isRefusal(error) ? refused(frame, request, error) : 0;
    }
  }

  async function refused(frame: PollResult['frame'], request: ReadRequest, error: ModbusException): Promise<number> {
    const each = singles(registers, request);
    const key = keyOf(request);
    if (each.length > 1) {
      let words = 0;
      for (const one of each) if (!holds(leftOut, one)) words += await readInto(frame, one);
      if (words > 0) alone.set(key, clock.ticks() + DAY_MS);
      return words;
    }
    const times = (refusals.get(key) ?? 0) + 1;
    refusals.set(key, times);
    if (times >= REFUSALS) {
      leftOut.set(key, clock.ticks() + DAY_MS);
      parts.onRefused(key, error);
    }
    return 0;
  }

  async function write({ table, address, many, readFirst, values }: WriteTarget, begin: () => Promise<boolean>) {
    let written: number[] | undefined;
    await rested();
    await line.turn(unit, options, async (ask) => {
      const present = readFirst > 0 ? await ask(question({ table, address, count: readFirst })) : [];
      if (!(await begin())) return;
      written = values(present);
      for (let tries = 1; ; tries += 1) {
        try {
          return void (await ask(question({ table, address, values: written, many })));
        } catch (error) {
          // Accepted, and it takes long: a reading will show it.
          if (error instanceof ModbusException && error.exceptionCode === 5) return;
          if (!isBusy(error) || tries === BUSY_TRIES) throw error;
          await pause(clock, BUSY_WAIT_MS * 2 ** tries);
        }
      }
    });
    return written;
  }

  return {
    unit,
    line,
    figures,
    ...answering,
    leftOut: (): string[] => [...leftOut.keys()],
    texts: texts.known,

    /** Reads all that the profile names. The first time-out ends it: a dead unit costs its line one. */
    async poll(): Promise<PollResult> {
      const frame = { holding: new Map(), input: new Map(), coil: new Map(), discrete: new Map() };
      let values = 0;
      let error: unknown;
      try {
        for (const request of requests()) values += await readInto(frame, request);
        if (values > 0) await texts.refresh();
      } catch (caught) {
        error = caught;
      }
      if (error === undefined && values === 0) {
        // A device that knows none of its registers may be starting up: that is not remembered for a day.
        forgetRefusals();
        error = new Error('the device refuses all of its registers');
      }
      judge(error);
      return { frame, values, error };
    },

    /**
     * Writes when `begin` allows it in the last moment, and reads back when the target says so. Undefined when nothing was written;
     * else what the device shows where it is not what was written. Rejects as a read does.
     */
    async write(target: WriteTarget, begin: () => Promise<boolean>): Promise<{ shows?: number[] } | undefined> {
      if (!mayCommand()) return undefined;
      let written: number[] | undefined;
      try {
        written = await write(target, begin);
        // Where nothing was asked nothing was heard.
        if (written || target.readFirst > 0) judge(undefined);
      } catch (error) {
        judge(error instanceof ModbusException && !isAbsent(error) ? undefined : error);
        throw error;
      }
      const { table, readBack } = target;
      if (!written || !readBack) return written && {};
      await pause(clock, readBack.afterMs);
      const { address, count } = readBack;
      const shows = await line.turn(unit, options, (ask) => ask(question({ table, address, count })));
      return readBack.holds(shows) ? {} : { shows };
    },
  };
}
