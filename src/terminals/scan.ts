import type { Reading } from './decode.ts';
import type { Metric, Profile } from './profile.ts';

/**
 * Reads the usual message, `{"time":1700000000000,"values":{"room_c":20.5,"power_on":true}}`, from its bytes: nearly all that terminals
 * send looks like this, and reading it as any JSON costs four times as much. What is unusual in any way, or would be refused, is left.
 */

/** A metric as it stands on the wire. */
interface Known {
  name: string;
  /** With its quotes. */
  written: Buffer;
  isState: boolean;
  min: number;
  max: number;
}

const characters = (text: string) => [...Buffer.from(text)] as [number, number, number, number, number];
const [SPACE, MINUS, DOT, ZERO, NINE] = characters(' -.09');
const [OPEN, CLOSE, COMMA, COLON] = characters('{},:');
const TIME = Buffer.from('"time"');
const VALUES = Buffer.from('"values"');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

/** A whole number of so many digits is exact, and so are these powers: their quotient is the number that JSON reads. */
const MOST_DIGITS = 15;
const POWERS = Array.from({ length: MOST_DIGITS + 1 }, (_, exponent) => 10 ** exponent);

const knownOf = ([name, metric]: [string, Metric]): Known => ({
  name,
  written: Buffer.from(`"${name}"`),
  isState: metric.kind === 'state',
  min: metric.kind === 'gauge' ? metric.min : 0,
  max: metric.kind === 'gauge' ? metric.max : metric.kind === 'counter' ? metric.rollsOverAt : 1,
});

// The functions that read take where they begin and tell where what they read ends, or that it is not there. What a number says follows
// in a variable, since an object for it would cost more than reading it.
const NOT_THERE = -1;

function pastSpaces(data: Buffer, at: number): number {
  let end = at;
  while (data[end] === SPACE) end += 1;
  return end;
}

/** A character with the spaces around it. */
function past(character: number, data: Buffer, at: number): number {
  const start = data[at] === SPACE ? pastSpaces(data, at) : at;
  if (data[start] !== character) return NOT_THERE;
  return data[start + 1] === SPACE ? pastSpaces(data, start + 1) : start + 1;
}

function pastWord(word: Buffer, data: Buffer, at: number): number {
  for (let index = 0; index < word.length; index += 1) if (data[at + index] !== word[index]) return NOT_THERE;
  return at + word.length;
}

/** Makes what reads a message of terminals with a profile; undefined for one that it leaves, and for one outside of `from` … `to`. */
export function createScan({ metrics }: Profile): (payload: Buffer, from: number, to: number) => Reading | undefined {
  const known = Object.entries(metrics).map(knownOf);
  /** The metrics of the last message: the next one has most likely the same, in the same order. */
  let usual: Known[] = [];
  /** An object with these. A copy of it costs less than an object that is put together. */
  let template: Record<string, number> = {};
  let numbers: number[] = [];
  let number = 0;

  /** A plain decimal number, into `number`. */
  function pastNumber(data: Buffer, at: number): number {
    const start = data[at] === MINUS ? at + 1 : at;
    let end = start;
    let point = NOT_THERE;
    let digits = 0;
    for (let byte = data[end]; byte !== undefined; byte = data[end]) {
      if (byte >= ZERO && byte <= NINE) digits = digits * 10 + byte - ZERO;
      else if (byte === DOT && point < 0) point = end;
      else break;
      end += 1;
    }
    const whole = (point < 0 ? end : point) - start;
    const fraction = point < 0 ? 0 : end - point - 1;
    if (whole === 0 || whole + fraction > MOST_DIGITS || (whole > 1 && data[start] === ZERO)) return NOT_THERE;
    if (point >= 0 && fraction === 0) return NOT_THERE;
    const size = fraction === 0 ? digits : digits / (POWERS[fraction] ?? Number.NaN);
    number = start > at ? 0 - size : size;
    return end;
  }

  /** Into `number`. */
  function pastState(data: Buffer, at: number): number {
    number = 1;
    const end = pastWord(TRUE, data, at);
    if (end > 0) return end;
    number = 0;
    return pastWord(FALSE, data, at);
  }

  function pastMember({ written, isState, min, max }: Known, data: Buffer, at: number): number {
    const start = past(COLON, data, pastWord(written, data, at));
    if (start < 0) return NOT_THERE;
    const end = isState ? pastState(data, start) : pastNumber(data, start);
    return number >= min && number <= max ? end : NOT_THERE;
  }

  /** The members of `values`, into `numbers`, when they are the usual ones. */
  function pastUsual(data: Buffer, at: number): number {
    let end = at;
    for (let index = 0; index < usual.length; index += 1) {
      const metric = usual[index];
      if (index > 0) end = past(COMMA, data, end);
      if (end < 0 || !metric) return NOT_THERE;
      end = pastMember(metric, data, end);
      if (end < 0) return NOT_THERE;
      numbers[index] = number;
    }
    return past(CLOSE, data, end);
  }

  /** Learns in which order the names of other members come; not when one is unknown or comes twice. */
  function learn(data: Buffer, at: number): boolean {
    const order: Known[] = [];
    for (let end = at; end >= 0; end = past(COMMA, data, end)) {
      const metric = known.find(({ written }) => pastWord(written, data, end) > 0);
      if (!metric || order.includes(metric)) return false;
      order.push(metric);
      end = pastMember(metric, data, end);
    }
    usual = order;
    numbers = order.map(() => 0.5);
    template = Object.fromEntries(order.map(({ name }) => [name, 0.5]));
    return true;
  }

  function gather(): Record<string, number> {
    const values = { ...template };
    for (let index = 0; index < usual.length; index += 1)
      values[usual[index]?.name ?? ''] = numbers[index] ?? Number.NaN;
    return values;
  }

  return (payload, from, to) => {
    let at = past(COLON, payload, pastWord(TIME, payload, past(OPEN, payload, 0)));
    if (at < 0) return undefined;
    at = pastNumber(payload, at);
    const time = number;
    if (at < 0 || !(time >= from && time <= to && Number.isInteger(time))) return undefined;
    const start = past(OPEN, payload, past(COLON, payload, pastWord(VALUES, payload, past(COMMA, payload, at))));
    if (start < 0) return undefined;
    at = pastUsual(payload, start);
    if (at < 0 && learn(payload, start)) at = pastUsual(payload, start);
    if (at < 0 || past(CLOSE, payload, at) !== payload.length) return undefined;
    return { time, values: gather() };
  };
}
