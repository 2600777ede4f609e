import { windowStart } from '../lib/calendar.ts';
import type { ReadingStore, Series, Window } from './store.ts';

/** Consumption from a counter's readings. */

export interface Use {
  /** Epoch ms. */
  from: number;
  to: number;
  /** Null where no readings cover the window. */
  amount: number | null;
  /** estimated: spread over a gap; reset: the counter began again; missing: no data. */
  quality: 'measured' | 'estimated' | 'reset' | 'missing';
}

/** A longer silence than this is a gap: what was used in it is spread evenly and marked estimated. */
const GAP_MS = 2 * 3_600_000;
const HOUR_MS = 3_600_000;
/** How far before the first window a reading is looked for, so that the first step is known. */
const LOOK_BACK_MS = 2 * 86_400_000;
/** A fall of more than half of the range is the counter rolling over; a smaller one is another meter or a reset. */
const ROLLED_OVER = 0.5;

interface Step {
  from: number;
  to: number;
  amount: number;
  reset: boolean;
}

/** The step between two readings; never negative. After a reset, only what the counter shows since then is known. */
function stepBetween(from: number, before: number, to: number, after: number, rollsOverAt: number): Step {
  if (after >= before) return { from, to, amount: after - before, reset: false };
  if (before - after > rollsOverAt * ROLLED_OVER)
    return { from, to, amount: rollsOverAt - before + after, reset: false };
  return { from, to, amount: 0, reset: true };
}

/** What one hour counted. A fall inside it shows in its minimum; what was counted before and after a reset is known then. */
function stepWithin(hour: Window, rollsOverAt: number): Step {
  const { first, last, min, max, firstTime: from, lastTime: to } = hour;
  if (min >= first) return { from, to, amount: last - first, reset: false };
  const rolled = max - min > rollsOverAt * ROLLED_OVER;
  return rolled
    ? { from, to, amount: rollsOverAt - first + last, reset: false }
    : { from, to, amount: max - first + last - min, reset: true };
}

function* steps(hours: Window[], rollsOverAt: number): Generator<Step> {
  let before: Window | undefined;
  for (const hour of hours) {
    if (before) yield stepBetween(before.lastTime, before.last, hour.firstTime, hour.first, rollsOverAt);
    yield stepWithin(hour, rollsOverAt);
    before = hour;
  }
}

const round = (amount: number): number => Number(amount.toFixed(6));

/**
 * The use in each window of `everyMs` from `from` on. A step counts where it ended; one over a gap is spread evenly over its time.
 * Pure, so that the same readings always give the same bill.
 */
export function usageOf(hours: Window[], from: number, to: number, everyMs: number, rollsOverAt: number): Use[] {
  const uses: Use[] = [];
  for (let start = windowStart(from, everyMs); start < to; start += everyMs) {
    uses.push({ from: start, to: start + everyMs, amount: null, quality: 'missing' });
  }
  const first = uses[0]?.from ?? from;
  const rank = { missing: 0, measured: 1, estimated: 2, reset: 3 } as const;
  const add = (time: number, amount: number, quality: Use['quality']) => {
    const use = uses[Math.floor((time - first) / everyMs)];
    if (!use || time < first) return;
    use.amount = (use.amount ?? 0) + amount;
    if (rank[quality] > rank[use.quality]) use.quality = quality;
  };
  for (const step of steps(hours, rollsOverAt)) {
    const gap = step.to - step.from;
    if (gap <= GAP_MS || step.reset) {
      add(step.to, step.amount, step.reset ? 'reset' : 'measured');
      continue;
    }
    for (let at = step.from; at < step.to; ) {
      const end = Math.min(step.to, first + (Math.floor((at - first) / everyMs) + 1) * everyMs);
      add(at, (step.amount * (end - at)) / gap, 'estimated');
      at = end;
    }
  }
  return uses.map((use) => ({ ...use, amount: use.amount === null ? null : round(use.amount) }));
}

export async function readUsage(
  store: ReadingStore,
  series: Series,
  everyMs: number,
  rollsOverAt: number,
): Promise<Use[]> {
  const hours = await store.windows({ ...series, from: series.from - LOOK_BACK_MS }, HOUR_MS);
  return usageOf(hours, series.from, series.to, everyMs, rollsOverAt);
}
