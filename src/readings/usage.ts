import { windowStart } from '../lib/calendar.ts';
import { type CounterRules, type Exchange, isExchange, type Sighting, type Step, stepsOf, timeOf } from './counter.ts';
import type { ReadingStore } from './store.ts';

/** Consumption from a counter's readings. */

/** From good to doubtful; of several in one window, the last of this order is shown. README says what each means. */
const QUALITIES = ['missing', 'measured', 'estimated', 'corrected', 'exchanged', 'reset', 'implausible'] as const;

export interface Use {
  /** Epoch ms. */
  from: number;
  to: number;
  /** Null where no readings cover the window. */
  amount: number | null;
  quality: (typeof QUALITIES)[number];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A silence as long as this is a gap: what was used in it is spread evenly, and marked estimated unless somebody asks otherwise. */
const GAP_MS = 2 * HOUR_MS;
/** How far before a day its counter is looked at, so that what it did is known when the day begins. */
export const LOOK_BACK_MS = 2 * DAY_MS;
/** How far the nearest reading is looked for when the terminal was silent. */
export const REACHES_MS = [2 * DAY_MS, 32 * DAY_MS, 400 * DAY_MS];

export interface UsageRequest extends CounterRules {
  from: number;
  to: number;
  everyMs: number;
  /** From which silence on what was used in it is `estimated`. Milliseconds, two hours or more. */
  estimatedAfterMs?: number;
  /** To which an amount is rounded, six unless told otherwise. */
  decimals?: number;
}

/** Counters are read in windows of an hour, or of the asked length when that is shorter. */
export const windowFor = (everyMs: number): number => Math.min(everyMs, HOUR_MS);

/**
 * The steps of each day, from where the counter was two days before, or when it was seen last. So the steps of a day are the same
 * whatever is asked, and the parts of a time add up to the whole of it.
 */
function* dailySteps(sightings: Sighting[], since: number, sizeMs: number, rules: CounterRules): Generator<Step> {
  let start = 0;
  for (const [day, { length }] of Map.groupBy(sightings, (sighting) => windowStart(timeOf(sighting), DAY_MS))) {
    const end = start + length;
    if (day >= since) {
      const near = sightings.findIndex((sighting) => timeOf(sighting) >= day - LOOK_BACK_MS);
      const before = near === start ? Math.max(0, start - 1) : near;
      for (const step of stepsOf(sightings.slice(before, end), sizeMs, rules)) if (step.to >= day) yield step;
    }
    start = end;
  }
}

const round = (amount: number, decimals: number): number => Number(amount.toFixed(decimals));

/**
 * The use in each window of `everyMs` from `from` on, from shorter windows of the counter and its exchanges, in order. A step counts
 * where it ended; one over a gap is spread evenly over its time. Pure, so that the same readings always give the same bill.
 */
export function usageOf(
  sightings: Sighting[],
  { from, to, everyMs, estimatedAfterMs = GAP_MS, decimals = 6, ...rules }: UsageRequest,
): Use[] {
  const uses: Use[] = [];
  for (let start = windowStart(from, everyMs); start < to; start += everyMs) {
    uses.push({ from: start, to: start + everyMs, amount: null, quality: 'missing' });
  }
  const first = uses[0]?.from ?? from;
  const add = (time: number, amount: number, quality: Use['quality']) => {
    const use = time < first ? undefined : uses[Math.floor((time - first) / everyMs)];
    if (!use) return;
    use.amount = (use.amount ?? 0) + amount;
    if (QUALITIES.indexOf(quality) > QUALITIES.indexOf(use.quality)) use.quality = quality;
  };
  for (const step of dailySteps(sightings, windowStart(first, DAY_MS), windowFor(everyMs), rules)) {
    const gap = step.to - step.from;
    if (gap < GAP_MS) {
      add(step.to, step.amount, step.quality);
      continue;
    }
    const isEstimated = step.quality === 'measured' && gap >= estimatedAfterMs;
    const quality = isEstimated ? 'estimated' : step.quality;
    for (let at = step.from; at < step.to; ) {
      const end = Math.min(step.to, first + (Math.floor((at - first) / everyMs) + 1) * everyMs);
      add(at, (step.amount * (end - at)) / gap, quality);
      at = end;
    }
    if (step.quality !== 'measured') add(step.to, 0, step.quality);
  }
  return uses.map((use) => ({ ...use, amount: use.amount === null ? null : round(use.amount, decimals) }));
}

/** Its windows and exchanges between two times, in order. A window ends at an exchange, and another begins. */
async function sightingsOf(
  store: Windows,
  { exchanges, ...counter }: Counter,
  [from, to]: [from: number, to: number],
  sizeMs: number,
): Promise<Sighting[]> {
  if (from >= to) return [];
  const between = exchanges.filter(({ at }) => at >= from && at < to);
  const cuts = [from, ...between.map(({ at }) => at), to];
  const parts = cuts.slice(1).map(async (end, index) => {
    const begin = cuts[index] ?? from;
    const windows = begin < end ? await store.windows({ ...counter, from: begin, to: end }, sizeMs) : [];
    return windows.map((window) => ({ ...window, time: Math.max(window.time, begin) }));
  });
  const windows = (await Promise.all(parts)).flat();
  return [...between, ...windows].sort(
    (a, b) => timeOf(a) - timeOf(b) || Number(isExchange(b)) - Number(isExchange(a)),
  );
}

/** Where windows come from: the store, or what was read of it before. */
export type Windows = Pick<ReadingStore, 'windows'>;

export interface Counter {
  terminalId: string;
  metric: string;
  /** In the order of their times. */
  exchanges: Exchange[];
}

/** The use of one counter, as it is known at `now`; what was before `since` is left out. */
export async function readUsage(
  store: Windows,
  counter: Counter,
  request: UsageRequest,
  { since, now }: { since: number; now: number },
): Promise<Use[]> {
  const sizeMs = windowFor(request.everyMs);
  const read = (from: number, to: number) => sightingsOf(store, counter, [Math.max(from, since), to], sizeMs);
  const day = windowStart(windowStart(request.from, request.everyMs), DAY_MS);
  const asked = await read(day - LOOK_BACK_MS, request.to);

  /** What is known before the first day, however long ago. */
  async function before(): Promise<Sighting[]> {
    if (asked.some((sighting) => timeOf(sighting) < day)) return [];
    for (const [index, reach] of REACHES_MS.entries()) {
      const found = await read(day - reach, day - (REACHES_MS[index - 1] ?? LOOK_BACK_MS));
      if (found.length > 0) return found;
    }
    return [];
  }

  /** The next reading after a silence in which the asked time ends. */
  async function after(known: Sighting[]): Promise<Sighting[]> {
    const last = known.at(-1);
    if (!last || timeOf(last) + sizeMs >= request.to || request.to >= now) return [];
    for (const [index, reach] of REACHES_MS.entries()) {
      const found = await read(request.to + (REACHES_MS[index - 1] ?? 0), request.to + reach);
      if (found.length > 0) return found.slice(0, 1);
    }
    return [];
  }

  const known = [...(await before()), ...asked];
  return usageOf([...known, ...(await after(known))], request);
}
