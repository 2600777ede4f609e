import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LineDown, NoAnswer } from '../lines/line.ts';
import { BadFrame } from '../lines/question.ts';
import { isBits, type Table } from '../modbus/codec.ts';
import { parseProfile } from '../terminals/profile.ts';
import { FieldError, lineTrouble, unitTrouble } from './field-error.ts';
import { parseLine, parseNumbers } from './line-text.ts';
import { type OpenLine, openLine } from './open-line.ts';
import { hex, interruptible, print, say, table } from './output.ts';
import { type ModbusProfile, readByProfile } from './read-profile.ts';
import { type Range, type RawRead, readRanges } from './read-registers.ts';
import { plain, printMetrics, troublesIn } from './report.ts';
import { UNITS } from './scan.ts';
import { type FieldLanguage, WORDS, type Words } from './words.ts';

/** Reads a unit once, raw or by a profile. */

const TABLES: readonly Table[] = ['holding', 'input', 'coil', 'discrete'];
const TIMEOUT_MS = 1_000;
const ADDRESSES = [0, 65_535] as const;

export interface ReadOptions extends Partial<Record<Table, string>> {
  profile?: string | undefined;
  /** Where profiles are looked for by name. */
  profiles: string;
  timeout: number | undefined;
  lang: FieldLanguage;
  json: boolean;
}

export function parseUnit(text: string): number {
  const [unit = 0, ...more] = parseNumbers(text, UNITS);
  if (more.length === 0) return unit;
  throw new FieldError({ zh: `“${text}”不是一个从站地址`, en: `“${text}” is not one unit number` });
}

/** By its name, or the path of its file. */
function profileOf(name: string, folder: string, words: Words): ModbusProfile {
  const known = join(folder, `${name}.yaml`);
  const file = /^[a-z0-9-]+$/.test(name) && existsSync(known) ? known : name;
  if (!existsSync(file)) {
    throw new FieldError({ zh: `没有设备类型 ${name}（${folder}）`, en: `there is no profile ${name} (${folder})` });
  }
  return modbusProfile(parseProfile(readFileSync(file, 'utf8'), file), file, words);
}

export function modbusProfile(profile: ReturnType<typeof parseProfile>, file: string, words: Words): ModbusProfile {
  const { poll } = profile;
  if (profile.protocol !== 'modbus' || !poll) throw new Error(words.notModbus(file));
  return { ...profile, poll };
}

/** One use of a line; what a person can mend is said as such. */
export async function onLine<T>(
  { lineText, words, timeout }: { lineText: string; words: Words; timeout: number | undefined },
  task: (open: OpenLine, stop: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const typed = parseLine(lineText);
  if (timeout !== undefined) typed.address.timeoutMs = timeout;
  using interrupt = interruptible();
  const { stop } = interrupt;
  await using open = openLine({ typed, words, stop, say });
  try {
    await open.ready();
    return await task(open, stop);
  } catch (error) {
    if (stop.aborted) return undefined;
    if (error instanceof NoAnswer || error instanceof BadFrame) throw new FieldError(unitTrouble(error));
    throw error instanceof LineDown ? lineTrouble(lineText, error) : error;
  }
}

function rangesOf(options: ReadOptions): Range[] {
  return TABLES.flatMap((name) => {
    const text = options[name];
    return text === undefined ? [] : [{ table: name, addresses: parseNumbers(text, ADDRESSES) }];
  });
}

/** Gives the exit code: 1 when something was refused or is wrong. */
export async function read(lineText: string, unitText: string, options: ReadOptions): Promise<number> {
  const words = WORDS[options.lang];
  const unit = parseUnit(unitText);
  const ranges = rangesOf(options);
  const { profile: name, timeout } = options;
  if ((name === undefined) === (ranges.length === 0)) {
    throw new FieldError({
      zh: '请给出 --profile，或 --holding、--input、--coil、--discrete 中的地址范围，例如 --holding 0-20',
      en: 'say --profile, or addresses by --holding, --input, --coil or --discrete, such as --holding 0-20',
    });
  }
  const profile = name === undefined ? undefined : profileOf(name, options.profiles, words);
  const code = await onLine({ lineText, words, timeout }, async ({ line }) => {
    if (profile) {
      const reading = await readByProfile(line, unit, profile);
      if (reading.error instanceof LineDown) throw reading.error;
      if (options.json) print(JSON.stringify({ line: lineText, unit, ...plain(reading) }));
      else printMetrics(reading, words);
      if (reading.error !== undefined) say(words.tornOff(words.said(unitTrouble(reading.error))));
      return troublesIn(reading) > 0 ? 1 : 0;
    }
    const raw = await readRanges(line, unit, ranges, timeout ?? TIMEOUT_MS);
    if (options.json) print(JSON.stringify({ line: lineText, unit, ...plainRaw(raw) }));
    else printRaw(raw, words);
    return raw.refused.length > 0 ? 1 : 0;
  });
  return code ?? 130;
}

const plainRaw = ({ words, refused }: RawRead) => ({
  ...Object.fromEntries(Object.entries(words).map(([name, values]) => [name, Object.fromEntries(values)])),
  refused: refused.map((one) => ({ ...one, reason: one.reason.en })),
});

/** How two words read as a float, high word first or last; empty for what is no sensible number. */
function floatOf(high: number | undefined, low: number | undefined): string {
  if (high === undefined || low === undefined) return '';
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(high, 0);
  bytes.writeUInt16BE(low, 2);
  const value = bytes.readFloatBE();
  return Number.isFinite(value) ? String(Number(value.toPrecision(7))) : '';
}

function wordRow(values: Map<number, number>, address: number, word: number): (string | number)[] {
  const next = values.get(address + 1);
  const signed = (word << 16) >> 16;
  return [address, hex(address), hex(word), word, signed, floatOf(word, next), floatOf(next, word)];
}

function printRaw({ words: read, refused }: RawRead, words: Words): void {
  const { address, hex: hexadecimal, note, value } = words.table;
  for (const name of TABLES) {
    const values = read[name];
    if (values.size === 0) continue;
    print(`${name}`);
    const wordHead = [address, `${address} (hex)`, hexadecimal, 'uint16', 'int16', 'float32 abcd', 'float32 cdab'];
    if (isBits(name)) print(table([address, value], [...values]));
    else
      print(
        table(
          wordHead,
          [...values].map(([at, word]) => wordRow(values, at, word)),
        ),
      );
  }
  const rows = refused.map((one) => [
    one.count === 1 ? `${one.table} ${one.address}` : `${one.table} ${one.address}-${one.address + one.count - 1}`,
    words.said(one.reason),
  ]);
  if (rows.length > 0) print(table([address, note], rows));
}
