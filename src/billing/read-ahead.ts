import { windowStart } from '../lib/calendar.ts';
import { chunksOf } from '../lib/chunks.ts';
import type { ReadingStore, Series, TerminalWindow } from '../readings/store.ts';
import { LOOK_BACK_MS, REACHES_MS, type Windows } from '../readings/usage.ts';

/** Windows that were read for many counters of one metric at once; what they do not hold is asked of the store. */

/** Silent ones may have a year of windows each, of which only one is kept. */
const SILENT_AT_ONCE = 25;

/** The windows of one counter between two times, or, in what it was silent before and after, the one nearest to its days. */
interface Known {
  series: Series;
  from: number;
  to: number;
  windows: TerminalWindow[];
}

const isWhole = (time: number, everyMs: number): boolean => windowStart(time, everyMs) === time;

/** `count` is how many windows were read. */
export async function readAhead(
  store: ReadingStore,
  counters: Series[],
  { sizeMs, now }: { sizeMs: number; now: number },
): Promise<Windows & { count: number }> {
  let count = 0;

  async function windowsOf(some: Known[], from: number, to: number): Promise<Map<string, TerminalWindow[]>> {
    const metric = some[0]?.series.metric ?? '';
    const terminalIds = some.map(({ series }) => series.terminalId);
    const windows = await store.windowsOfEach({ terminalIds, metric, from, to }, sizeMs);
    count += windows.length;
    return Map.groupBy(windows, ({ terminalId }) => terminalId);
  }

  /** Further and further back, until its last reading is found. */
  async function reachBack(all: Known[]): Promise<void> {
    for (const reach of REACHES_MS.slice(1)) {
      const silent = all.filter(({ series, windows }) => !windows.some(({ time }) => time < series.from));
      for (const some of chunksOf(silent, SILENT_AT_ONCE)) {
        const from = Math.min(...some.map(({ series }) => series.from)) - reach;
        const found = await windowsOf(some, from, Math.max(...some.map((one) => one.from)));
        for (const one of some) {
          const last = found.get(one.series.terminalId)?.findLast(({ time }) => time < one.from);
          if (last) one.windows.unshift(last);
          one.from = from;
        }
      }
    }
  }

  async function reachForward(all: Known[]): Promise<void> {
    for (const reach of REACHES_MS.slice(1)) {
      const silent = all.filter(
        ({ series, to, windows }) => to < now && !windows.some(({ time }) => time >= series.to),
      );
      for (const some of chunksOf(silent, SILENT_AT_ONCE)) {
        const to = Math.max(...some.map(({ series }) => series.to)) + reach;
        const found = await windowsOf(some, Math.min(...some.map((one) => one.to)), to);
        for (const one of some) {
          const next = found.get(one.series.terminalId)?.find(({ time }) => time >= one.to);
          if (next) one.windows.push(next);
          one.to = to;
        }
      }
    }
  }

  const from = Math.min(...counters.map((one) => one.from)) - LOOK_BACK_MS;
  const to = Math.max(...counters.map((one) => one.to)) + LOOK_BACK_MS;
  const all = counters.map((series): Known => ({ series, from, to, windows: [] }));
  const found = await windowsOf(all, from, to);
  for (const one of all) one.windows = found.get(one.series.terminalId) ?? [];
  await reachBack(all);
  await reachForward(all);
  const known = new Map(all.map((one) => [one.series.terminalId, one]));
  return {
    count,
    async windows(series, everyMs) {
      const own = known.get(series.terminalId);
      const holds = own && series.from >= own.from && series.to <= own.to && series.metric === own.series.metric;
      if (!holds || everyMs !== sizeMs || !isWhole(series.from, sizeMs) || !isWhole(series.to, sizeMs)) {
        return store.windows(series, everyMs);
      }
      return own.windows.filter(({ time }) => time >= series.from && time < series.to);
    },
  };
}
