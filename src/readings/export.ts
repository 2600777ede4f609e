import { OFFSET_MS } from '../lib/calendar.ts';
import type { MetricPoint, ReadingStore } from './store.ts';

/** Readings as CSV, a page at a time, so that any length needs no more memory than a page. */

/** More than a terminal has metrics, so that a page always holds at least one whole time. */
const PAGE = 10_000;

export interface ExportRequest {
  /** In the order of the lines; each from its own time on, epoch ms. */
  terminals: { id: string; from: number }[];
  /** Not included. */
  to: number;
  /** All metrics without it. */
  metric: string | undefined;
}

/** RFC 3339 in Asia/Shanghai, as the people who open the file know it. */
const localTime = (time: number): string => new Date(time + OFFSET_MS).toISOString().replace('Z', '+08:00');

async function pageOf(
  store: ReadingStore,
  range: { terminalId: string; from: number; to: number },
  metric: string | undefined,
): Promise<MetricPoint[]> {
  if (metric === undefined) return store.rows(range, PAGE);
  return (await store.points({ ...range, metric }, PAGE)).map((point) => ({ ...point, metric }));
}

/** Lines by terminal, then time, then metric. A caller that stops reading stops the questions to the store. */
export async function* csvOf(store: ReadingStore, request: ExportRequest): AsyncGenerator<string> {
  yield 'terminal,time,metric,value\n';
  for (const { id, from } of request.terminals) {
    for (let next = from; next < request.to; ) {
      const page = await pageOf(store, { terminalId: id, from: next, to: request.to }, request.metric);
      const full = page.length === PAGE;
      // Of its last time, a full page may lack metrics: that time begins the next page.
      next = full ? (page.at(-1)?.time ?? request.to) : request.to;
      const lines = page
        .filter(({ time }) => !full || time < next)
        .map(({ time, metric, value }) => `${id},${localTime(time)},${metric},${value}\n`);
      if (lines.length > 0) yield lines.join('');
    }
  }
}
