import { createProgress } from '../client/progress.ts';
import { pause, systemClock } from '../lib/clock.ts';
import { LineDown } from '../lines/line.ts';
import { BadFrame } from '../lines/question.ts';
import { ModbusException, type Table } from '../modbus/codec.ts';
import { modbusQuestion } from '../modbus/question.ts';
import { lineTrouble, type Sentence, unitTrouble } from './field-error.ts';
import { parseLine, parseNumbers } from './line-text.ts';
import { type OpenLine, openLine } from './open-line.ts';
import { hex, interruptible, print, say, table } from './output.ts';
import { type FieldLanguage, WORDS, type Words } from './words.ts';

/** Which units of a line answer. One that answers with nothing but an exception is alive. */

export const UNITS = [1, 247] as const;
const TABLES: Record<number, Table> = { 1: 'coil', 2: 'discrete', 3: 'holding', 4: 'input' };
/** A connection that ends with so many units in a row will do so with all. */
const MOST_HANG_UPS = 3;
/** Of a line that was up: a converter may be busy for a moment. */
const MOST_TRIES_DOWN = 5;
const AGAIN_MS = 1_000;
/** A word that came garbled may have been another unit's late answer. */
const TRIES = 2;

export interface ScanOptions {
  units: string;
  functions: string;
  timeout: number | undefined;
  lang: FieldLanguage;
  json: boolean;
}

interface Found {
  unit: number;
  state: 'answers' | 'exception' | 'garbled';
  functionCode: number;
  /** What an exception or garbled answer says. */
  detail: Sentence | null;
  tookMs: number;
}

type Heard = Found | 'silent' | 'hung_up';

/** A gateway answers for a unit that does not. */
const isAbsent = (error: ModbusException): boolean => [10, 11].includes(error.exceptionCode);

/** Asks a unit for one register. Rejects with `LineDown`. */
async function askOnce({ line }: OpenLine, unit: number, functionCode: number, timeoutMs: number): Promise<Heard> {
  const question = modbusQuestion(unit, { table: TABLES[functionCode] ?? 'holding', address: 0, count: 1 });
  let tookMs = 0;
  const probes = Object.values(TABLES).map((other) => modbusQuestion(unit, { table: other, address: 0, count: 17 }));
  const record = (ms: number) => {
    tookMs = Math.round(ms);
  };
  const found = (state: Found['state'], detail: Sentence | null = null): Found => ({
    ...{ unit, state, functionCode, detail, tookMs },
  });
  try {
    await line.read(unit, question, { timeoutMs, probes, record });
    return found('answers');
  } catch (error) {
    if (error instanceof LineDown) throw error;
    if (error instanceof ModbusException) return isAbsent(error) ? 'silent' : found('exception', unitTrouble(error));
    if (error instanceof BadFrame) return found('garbled', unitTrouble(error));
    return line.state().isUp ? 'silent' : 'hung_up';
  }
}

/** The same, on a line that may be away for a while. */
async function ask(open: OpenLine, unit: number, functionCode: number, timeoutMs: number): Promise<Heard> {
  let down = 0;
  for (let tries = 1; ; ) {
    try {
      const heard = await askOnce(open, unit, functionCode, timeoutMs);
      if (typeof heard === 'string' || heard.state !== 'garbled' || tries === TRIES) return heard;
      tries += 1;
    } catch (error) {
      down += 1;
      const { connects } = open.line.state();
      if (!(error instanceof LineDown) || connects === 0 || down === MOST_TRIES_DOWN) throw error;
      await open.ready();
      await pause(systemClock, AGAIN_MS);
    }
  }
}

interface ScanParts {
  open: OpenLine;
  units: number[];
  functionCodes: number[];
  timeoutMs: number;
  stop: AbortSignal;
  onAsked: (asked: number, all: number, found: number) => void;
}

/** Every function is tried with all units that are still silent. Rejects when the line cannot be used. */
async function* scanUnits(parts: ScanParts): AsyncGenerator<Found> {
  const { open, functionCodes, timeoutMs, stop, onAsked } = parts;
  let silent = parts.units;
  let hungUp = 0;
  let found = 0;
  let asked = 0;
  await open.ready();
  for (const functionCode of functionCodes) {
    const all = asked + silent.length;
    const still: number[] = [];
    for (const unit of silent) {
      if (stop.aborted) return;
      const heard = await ask(open, unit, functionCode, timeoutMs);
      hungUp = heard === 'hung_up' ? hungUp + 1 : 0;
      if (hungUp === MOST_HANG_UPS && found === 0) throw new LineDown(open.line.state().trouble ?? '');
      if (typeof heard === 'string') still.push(unit);
      else {
        found += 1;
        yield heard;
      }
      asked += 1;
      onAsked(asked, all, found);
    }
    silent = still;
  }
}

const rowOf = ({ unit, state, functionCode, detail, tookMs }: Found, words: Words): (string | number)[] => [
  unit,
  words.states[state],
  `${words.functionCode(hex(functionCode, 2))}${detail === null ? '' : `${words.comma}${words.said(detail)}`}`,
  words.ms(tookMs),
];

/** Waits longer for what comes by radio. */
const usualTimeoutMs = (isDtu: boolean): number => (isDtu ? 2_000 : 500);

/** Gives the exit code: 0 when somebody answers, 1 when nobody does, 130 when it was stopped. */
export async function scan(lineText: string, options: ScanOptions): Promise<number> {
  const words = WORDS[options.lang];
  const typed = parseLine(lineText);
  const units = parseNumbers(options.units, UNITS);
  const functionCodes = parseNumbers(options.functions, [1, 4]);
  using interrupt = interruptible();
  const { stop } = interrupt;
  await using open = openLine({ typed, words, stop, say, mostUnheard: Number.POSITIVE_INFINITY });
  const progress = createProgress(process.stderr);
  const timeoutMs = options.timeout ?? usualTimeoutMs('listen' in typed.address);
  const found: Found[] = [];
  let trouble: unknown;
  let asked = 0;
  const onAsked = (done: number, all: number, count: number) => {
    asked = done;
    progress.show(done / all, words.asking(done, all, count));
  };
  try {
    for await (const one of scanUnits({ open, units, functionCodes, timeoutMs, stop, onAsked })) found.push(one);
  } catch (error) {
    if (!stop.aborted) trouble = error;
  }
  progress.end();
  found.sort((a, b) => a.unit - b.unit);
  if (options.json)
    print(
      JSON.stringify({
        line: lineText,
        asked,
        stopped: stop.aborted,
        found: found.map((one) => ({ ...one, detail: one.detail?.en ?? null })),
      }),
    );
  else report(found, { asked: Math.min(asked, units.length), stopped: stop.aborted, words });
  if (trouble instanceof LineDown) throw lineTrouble(lineText, trouble);
  if (trouble !== undefined) throw trouble;
  if (stop.aborted) return 130;
  return answering(found) > 0 ? 0 : 1;
}

const answering = (found: Found[]): number => found.filter(({ state }) => state !== 'garbled').length;

function report(found: Found[], { asked, stopped, words }: { asked: number; stopped: boolean; words: Words }): void {
  const { unit, state, shownBy, took } = words.table;
  if (stopped) print(words.stopped);
  if (found.length > 0)
    print(
      table(
        [unit, state, shownBy, took],
        found.map((one) => rowOf(one, words)),
      ),
    );
  if (asked > 0) print(words.scanned(answering(found), asked));
  if (found.some((one) => one.state === 'garbled')) print(words.garbledHint);
  if (found.length === 0 && asked > 0 && !stopped) print(words.nobody);
}
