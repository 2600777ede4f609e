import { windowStart } from '../lib/calendar.ts';
import type { ReadingStore, Window } from './store.ts';

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

/** A silence as long as this is a gap: what was used in it is spread evenly and marked estimated. */
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

const fell = (before: number, after: number, rollsOverAt: number): 'rolled' | 'reset' =>
  before - after > rollsOverAt * ROLLED_OVER ? 'rolled' : 'reset';

/** The step from one window to the next; never negative. After a reset, only what the counter shows since then is known. */
function stepBetween(before: Window, after: Window, sizeMs: number, rollsOverAt: number): Step {
  const span = { from: before.time + sizeMs, to: after.time };
  const amount = after.first - before.last;
  if (amount >= 0) return { ...span, amount, reset: false };
  if (fell(before.last, after.first, rollsOverAt) === 'reset') return { ...span, amount: 0, reset: true };
  return { ...span, amount: rollsOverAt + amount, reset: false };
}

/** What one window counted. A fall inside it shows in its minimum; what was counted before and after a reset is known then. */
function stepWithin({ time, first, last, min, max }: Window, rollsOverAt: number): Step {
  const span = { from: time, to: time };
  if (min >= first) return { ...span, amount: last - first, reset: false };
  if (fell(max, min, rollsOverAt) === 'rolled') return { ...span, amount: rollsOverAt - first + last, reset: false };
  return { ...span, amount: max - first + last - min, reset: true };
}

function* steps(windows: Window[], sizeMs: number, rollsOverAt: number): Generator<Step> {
  let before: Window | undefined;
  for (const window of windows) {
    if (before) yield stepBetween(before, window, sizeMs, rollsOverAt);
    yield stepWithin(window, rollsOverAt);
    before = window;
  }
}

const round = (amount: number): number => Number(amount.toFixed(6));

export interface UsageRequest {
  from: number;
  to: number;
  everyMs: number;
  rollsOverAt: number;
}

/** Counters are read in windows of an hour, or of the asked length when that is shorter. */
export const windowFor = (everyMs: number): number => Math.min(everyMs, HOUR_MS);

/**
 * The use in each window of `everyMs` from `from` on, from shorter windows of the counter. A step counts where it ended; one over a gap
 * is spread evenly over its time. Pure, so that the same readings always give the same bill.
 */
export function usageOf(windows: Window[], { from, to, everyMs, rollsOverAt }: UsageRequest): Use[] {
  const uses: Use[] = [];
  for (let start = windowStart(from, everyMs); start < to; start += everyMs) {
    uses.push({ from: start, to: start + everyMs, amount: null, quality: 'missing' });
  }
  const first = uses[0]?.from ?? from;
  const rank = { missing: 0, measured: 1, estimated: 2, reset: 3 } as const;
  const add = (time: number, amount: number, quality: Use['quality']) => {
    const use = time < first ? undefined : uses[Math.floor((time - first) / everyMs)];
    if (!use) return;
    use.amount = (use.amount ?? 0) + amount;
    if (rank[quality] > rank[use.quality]) use.quality = quality;
  };
  for (const step of steps(windows, windowFor(everyMs), rollsOverAt)) {
    const gap = step.to - step.from;
    if (gap < GAP_MS || step.reset) {
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

/** The use of one counter; readings before `since` are left out. */
export async function readUsage(
  store: ReadingStore,
  counter: { terminalId: string; metric: string },
  request: UsageRequest,
  since: number,
): Promise<Use[]> {
  const from = Math.max(since, windowStart(request.from, request.everyMs) - LOOK_BACK_MS);
  const series = { ...counter, from, to: request.to };
  return usageOf(await store.windows(series, windowFor(request.everyMs)), request);
}
