import { OFFSET_MS } from './calendar.ts';

/** When something that comes again is due, by the calendar of Asia/Shanghai, which has no daylight saving time. */

/** Once at a moment (epoch ms), or on days of the week (1 Monday … 7 Sunday) at a time `HH:MM`. */
export type Recurrence = { kind: 'once'; at: number } | { kind: 'weekly'; days: readonly number[]; time: string };

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** 1970-01-01 was a Thursday. */
const THURSDAY = 4;

/** The first moment after `after`, epoch ms; undefined when there is none any more. */
export function nextRun(recurrence: Recurrence, after: number): number | undefined {
  if (recurrence.kind === 'once') return recurrence.at > after ? recurrence.at : undefined;
  const [hours = 0, minutes = 0] = recurrence.time.split(':').map(Number);
  const today = Math.floor((after + OFFSET_MS) / DAY_MS);
  // The same day of the next week, when today's time is over.
  for (let day = today; day <= today + 7; day += 1) {
    const weekday = ((day + THURSDAY - 1) % 7) + 1;
    const at = day * DAY_MS + (hours * 60 + minutes) * MINUTE_MS - OFFSET_MS;
    if (at > after && recurrence.days.includes(weekday)) return at;
  }
  return undefined;
}
