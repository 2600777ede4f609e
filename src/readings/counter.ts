import type { Window } from './store.ts';

/** What a counter counted from one reading to the next, and what else it did: the rules that README shows as a table. Pure. */

export interface CounterRules {
  /** The value at which it begins again from zero. */
  rollsOverAt: number;
  /** The most that it can count in an hour; without it every rise is believed. */
  maxPerHour?: number | undefined;
}

/** A meter was exchanged: what the old one showed last and the new one first. */
export interface Exchange {
  /** Epoch ms. */
  at: number;
  lastValue: number;
  firstValue: number;
}

export type Sighting = Window | Exchange;

export interface Step {
  /** The end of the window before, and the beginning of this one: epoch ms. */
  from: number;
  to: number;
  /** Never negative. */
  amount: number;
  quality: 'measured' | 'corrected' | 'reset' | 'exchanged' | 'implausible';
}

const HOUR_MS = 3_600_000;
/** A fall of more than this part of the range may be the counter rolling over. */
const ROLLED_OVER = 0.5;
/** Without `maxPerHour`: which part of the count is little. */
const SMALL_PART = 0.01;
/** For so long after a jump, a counter that goes on where it was before is believed to have been there all the time: a day, to the hour. */
const DOUBT_MS = 25 * HOUR_MS;
/** After a longer silence nobody knows what was counted. */
const LONGEST_SILENCE_MS = 400 * 24 * HOUR_MS;

export const isExchange = (sighting: Sighting): sighting is Exchange => 'at' in sighting;
export const timeOf = (sighting: Sighting): number => (isExchange(sighting) ? sighting.at : sighting.time);

type Judgement = Pick<Step, 'amount' | 'quality'>;

/** A counter at one value, and how much it may still count since. */
interface Mark {
  value: number;
  time: number;
  allowance: number;
}

/** What a window shows, in the likeliest order. Its extremes are left out where they lie between the others. */
function valuesOf(sighting: Sighting): number[] {
  if (isExchange(sighting)) return [sighting.lastValue];
  const { first, last, min, max } = sighting;
  return [first, ...(max > last ? [max] : []), ...(min < first ? [min] : []), last];
}

function createCounter({ rollsOverAt, maxPerHour }: CounterRules) {
  const hourly = maxPerHour ?? Number.MAX_VALUE;
  let mark: Mark | undefined;
  /** Where the counter was before it jumped, and what has been counted since. */
  let left: (Mark & { jumpedAt: number; counted: number }) | undefined;

  /** A small fall, and near enough to zero to have begun there again. */
  const small = (value: number): number => maxPerHour ?? value * SMALL_PART;

  /** At least what an hour can count, however close two readings are; but no more than that for several within the hour. */
  function allowanceAt(from: Mark, time: number): number {
    const grown = hourly * ((time - from.time) / HOUR_MS);
    return Math.max(grown, Math.min(hourly, from.allowance + grown));
  }

  function goOn(to: Mark, amount: number, quality: Step['quality']): Judgement {
    mark = { ...to, allowance: Math.max(0, to.allowance - amount) };
    if (left) left.counted += amount;
    return { amount, quality };
  }

  /** The counter goes on where it was before a jump: what was counted since the jump is part of the rise. */
  function comeBack(value: number, time: number): Judgement | undefined {
    if (!left || time - left.jumpedAt > DOUBT_MS) return undefined;
    const rise = value - left.value;
    const allowance = allowanceAt(left, time);
    if (rise > allowance || rise < -small(left.value)) return undefined;
    const { counted } = left;
    mark = { value: Math.max(value, left.value), time, allowance: Math.max(0, allowance - Math.max(rise, counted)) };
    left = undefined;
    return rise < 0
      ? { amount: 0, quality: 'corrected' }
      : { amount: Math.max(0, rise - counted), quality: 'measured' };
  }

  function judge(before: Mark, value: number, time: number): Judgement {
    const now: Mark = { value, time, allowance: allowanceAt(before, time) };
    const rise = value - before.value;
    if (rise >= 0 && rise <= now.allowance) return goOn(now, rise, 'measured');
    const back = comeBack(value, time);
    if (back) return back;
    if (rise < 0 && -rise <= small(before.value)) return goOn({ ...now, value: before.value }, 0, 'corrected');
    const rolled = rollsOverAt + rise;
    if (-rise > rollsOverAt * ROLLED_OVER && rolled <= now.allowance) return goOn(now, rolled, 'measured');
    left = { ...before, jumpedAt: time, counted: 0 };
    if (rise < 0 && value <= Math.min(small(before.value), now.allowance)) return goOn(now, value, 'reset');
    return goOn(now, 0, 'implausible');
  }

  return {
    /** The first value counts for nothing. */
    see(value: number, time: number): Judgement | undefined {
      const before = mark && time - mark.time <= LONGEST_SILENCE_MS ? mark : undefined;
      if (before) return judge(before, value, time);
      mark = { value, time, allowance: hourly };
      return undefined;
    },
    /** From here on it is another meter. */
    exchange(value: number, time: number): void {
      mark = { value, time, allowance: hourly };
      left = undefined;
    },
  };
}

/** The steps between and within sightings that are in the order of their times. */
export function* stepsOf(sightings: Iterable<Sighting>, sizeMs: number, rules: CounterRules): Generator<Step> {
  const counter = createCounter(rules);
  let end = Number.POSITIVE_INFINITY;
  for (const sighting of sightings) {
    const time = timeOf(sighting);
    let from = Math.min(end, time);
    for (const value of valuesOf(sighting)) {
      const found = counter.see(value, time);
      if (found) yield { from, to: time, ...found };
      from = time;
    }
    if (isExchange(sighting)) {
      counter.exchange(sighting.firstValue, time);
      yield { from: time, to: time, amount: 0, quality: 'exchanged' };
    }
    end = isExchange(sighting) ? time : time + sizeMs;
  }
}
