import { setImmediate } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import { dayOf, nextDay, startOfDay, windowStart } from '../lib/calendar.ts';
import type { Clock } from '../lib/clock.ts';
import { decimal } from '../lib/money.ts';
import type { Exchange } from '../readings/counter.ts';
import type { ReadingStore, Series } from '../readings/store.ts';
import { readUsage, type Use, type Windows, windowFor } from '../readings/usage.ts';
import type { MeterExchanges } from '../terminals/meter-exchanges.ts';
import type { Metric } from '../terminals/profile.ts';
import type { Used } from './pricing.ts';
import { readAhead } from './read-ahead.ts';

/** What a meter counted, as a bill needs it: in thousandths of a unit, by day, each day with a mark. */

/** A letter of each quality, as they are kept with a bill. */
const QUALITY_LETTERS = {
  measured: 'm',
  estimated: 'e',
  corrected: 'c',
  exchanged: 'x',
  reset: 'r',
  implausible: 'i',
  missing: '-',
} as const satisfies Record<Use['quality'], string>;
type DayQuality = keyof typeof QUALITY_LETTERS;

/** Of several in one day, the last in this order is shown. */
const BY_DOUBT: readonly DayQuality[] = [
  'measured',
  'corrected',
  'exchanged',
  'reset',
  'implausible',
  'estimated',
  'missing',
];
const DOUBTFUL: ReadonlySet<DayQuality> = new Set<DayQuality>(['implausible', 'estimated', 'missing']);

export interface DayUse {
  day: string;
  thousandths: number;
  quality: DayQuality;
}

export interface MeterUse {
  terminalId: string;
  metric: string;
  days: DayUse[];
  /** The same in parts that lie in one band of the day each. */
  parts: Used[];
}

export interface Meter {
  terminalId: string;
  metric: string;
  counter: Extract<Metric, { kind: 'counter' }>;
  /** Nothing before is this household's. Epoch ms. */
  since: number | null;
  /** Nothing before is asked of it. Epoch ms. */
  createdAt: number;
  /** When it was taken away. Epoch ms. */
  until: number | null;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A meter that is read once a day is read often enough for prices that do not change within the day. */
const DAILY_METER_MS = 30 * HOUR_MS;
/** So much of a day may be without a reading of its own. */
const SILENT_MS = 2 * HOUR_MS;
const DECIMALS = 12;
/** Windows that are in memory at once, and turned into what they mean without a pause. */
const MOST_WINDOWS = 10_000;
const FEWEST_AT_ONCE = 10;
const MOST_AT_ONCE = 500;

export const isDoubtful = ({ quality }: DayUse): boolean => DOUBTFUL.has(quality);

/** Whole thousandths that add up to the whole: what one part is rounded by goes into the next. */
function inThousandths(uses: Use[]): { use: Use; thousandths: number }[] {
  let exact = 0;
  let given = 0;
  return uses.map((use) => {
    exact += use.amount ?? 0;
    const thousandths = Math.max(0, Math.round(exact * 1_000) - given);
    given += thousandths;
    return { use, thousandths };
  });
}

function worst(uses: Use[], everyMs: number): DayQuality {
  const silent = uses.filter(({ quality }) => quality === 'missing').length * everyMs;
  const known = uses.filter(({ quality }) => quality !== 'missing');
  const found = known.reduce((rank, { quality }) => Math.max(rank, BY_DOUBT.indexOf(quality)), 0);
  return silent > SILENT_MS || known.length === 0 ? 'missing' : (BY_DOUBT[found] ?? 'missing');
}

/** From the windows of its days to what is billed. Pure. Windows before its first day at the household are left out. */
function billedUse(
  { terminalId, metric }: Pick<Meter, 'terminalId' | 'metric'>,
  uses: Use[],
  { everyMs, corrections }: { everyMs: number; corrections: ReadonlyMap<string, string> },
): MeterUse {
  const rounded = inThousandths(uses);
  const days: DayUse[] = [];
  const parts: Used[] = [];
  for (const [day, own] of Map.groupBy(rounded, ({ use }) => dayOf(use.from))) {
    const corrected = corrections.get(day);
    const measured = own.reduce((sum, { thousandths }) => sum + thousandths, 0);
    const thousandths = corrected === undefined ? measured : Number(decimal(corrected).times(1_000).toFixed(0));
    const quality =
      corrected === undefined
        ? worst(
            own.map(({ use }) => use),
            everyMs,
          )
        : 'corrected';
    days.push({ day, thousandths, quality });
    let given = 0;
    for (const [index, { use, thousandths: counted }] of own.entries()) {
      // A corrected day is spread evenly over its parts.
      const even = Math.round((thousandths * (index + 1)) / own.length) - given;
      const part = corrected === undefined ? counted : even;
      given += part;
      parts.push({ time: use.from, amount: decimal(part).div(1_000) });
    }
  }
  return { terminalId, metric, days, parts };
}

/** A meter and the days of it that are billed, both included. `everyMs` is that of the prices: a day, an hour or a part of it. */
export interface Wanted {
  meter: Meter;
  from: string;
  through: string;
  everyMs: number;
}

const seriesOf = ({ meter: { terminalId, metric }, from, through }: Wanted): Series => ({
  terminalId,
  metric,
  from: startOfDay(from),
  to: startOfDay(nextDay(through)),
});

const nameOf = ({ terminalId, metric }: { terminalId: string; metric: string }): string => `${terminalId} ${metric}`;

export function createMeterUse({
  db,
  store,
  meterExchanges,
  clock,
}: {
  db: Database;
  store: ReadingStore;
  meterExchanges: MeterExchanges;
  clock: Clock;
}) {
  /** By meter and then by day; the newest of a day holds. */
  async function correctionsOf(terminalIds: string[]): Promise<Map<string, Map<string, string>>> {
    const rows = await db
      .selectFrom('usageCorrections')
      .selectAll()
      .where('terminalId', 'in', terminalIds)
      .orderBy('id')
      .execute();
    const found = Map.groupBy(rows, nameOf);
    return new Map([...found].map(([name, own]) => [name, new Map(own.map(({ day, amount }) => [day, amount]))]));
  }

  /** Of some counters with windows of one size: what they had when they were read last tells how many fit. */
  const atOnce = new Map<string, number>();

  async function ofOneKind(
    key: string,
    wanted: Wanted[],
    sizeMs: number,
    take: (one: Wanted, source: Windows) => Promise<void>,
  ): Promise<void> {
    for (let start = 0; start < wanted.length; ) {
      const some = wanted.slice(start, start + (atOnce.get(key) ?? FEWEST_AT_ONCE));
      start += some.length;
      const source = await readAhead(store, some.map(seriesOf), { sizeMs, now: clock.now() });
      const fitting = Math.floor((MOST_WINDOWS * some.length) / Math.max(1, source.count));
      atOnce.set(key, Math.min(MOST_AT_ONCE, Math.max(FEWEST_AT_ONCE, fitting)));
      for (const one of some) await take(one, source);
    }
  }

  /** What meters counted, in the order asked. */
  return async function meterUse(wanted: Wanted[]): Promise<MeterUse[]> {
    if (wanted.length === 0) return [];
    const terminalIds = [...new Set(wanted.map(({ meter }) => meter.terminalId))];
    const corrections = await correctionsOf(terminalIds);
    const exchanges = Map.groupBy(await meterExchanges.ofEach(terminalIds), nameOf);
    const used = new Map<Wanted, MeterUse>();
    async function take(one: Wanted, source: Windows): Promise<void> {
      // Others get their turn between two meters.
      await setImmediate();
      const name = nameOf(one.meter);
      used.set(one, await countedBy(source, one, exchanges.get(name) ?? [], corrections.get(name) ?? new Map()));
    }
    const kinds = Map.groupBy(wanted, ({ meter, everyMs }) => `${windowFor(everyMs)} ${meter.metric}`);
    for (const [key, own] of kinds) await ofOneKind(key, own, windowFor(own[0]?.everyMs ?? DAY_MS), take);
    return wanted.flatMap((one) => used.get(one) ?? []);
  };

  async function countedBy(
    source: Windows,
    { meter, from, through, everyMs }: Wanted,
    exchanges: Exchange[],
    corrections: ReadonlyMap<string, string>,
  ): Promise<MeterUse> {
    const { terminalId, metric, counter, since, until, createdAt } = meter;
    const begin = Math.max(startOfDay(from), since === null ? 0 : windowStart(since, everyMs));
    const end = Math.min(startOfDay(nextDay(through)), until === null ? Number.POSITIVE_INFINITY : until);
    if (begin >= end) return { terminalId, metric, days: [], parts: [] };
    const { rollsOverAt, maxPerHour } = counter;
    const uses = await readUsage(
      source,
      { terminalId, metric, exchanges },
      {
        from: begin,
        to: end,
        everyMs,
        rollsOverAt,
        maxPerHour,
        decimals: DECIMALS,
        ...(everyMs === DAY_MS && { estimatedAfterMs: DAILY_METER_MS }),
      },
      { since: since ?? Number.NEGATIVE_INFINITY, now: clock.now() },
    );
    // Before it was there, nothing is missing.
    const first = uses.findIndex(({ to, quality }) => quality !== 'missing' || to > createdAt);
    return billedUse(meter, first < 0 ? [] : uses.slice(first), { everyMs, corrections });
  }
}
export type ReadMeterUse = ReturnType<typeof createMeterUse>;

/** Days of a bill as they are kept with it, and back. */
export const keptDays = (days: DayUse[]) => ({
  firstDay: days[0]?.day ?? '',
  thousandths: JSON.stringify(days.map(({ thousandths }) => thousandths)),
  qualities: days.map(({ quality }) => QUALITY_LETTERS[quality]).join(''),
});

const QUALITY_OF = new Map(Object.entries(QUALITY_LETTERS).map(([quality, letter]) => [letter as string, quality]));

export function daysKept(row: { firstDay: string; thousandths: string; qualities: string }): DayUse[] {
  const amounts: unknown[] = JSON.parse(row.thousandths);
  let day = row.firstDay;
  return amounts.map((amount, index) => {
    const own = day;
    day = nextDay(day);
    const quality = QUALITY_OF.get(row.qualities[index] ?? '') ?? 'missing';
    return { day: own, thousandths: Number(amount), quality: quality as DayQuality };
  });
}

/** Quarters, halves or whole hours, as fine as the bands of the day are; a day where there are none. */
export function windowOfBands(clocks: string[]): number {
  if (clocks.length === 0) return DAY_MS;
  const minutes = clocks.map((clock) => clock.slice(3));
  if (minutes.some((one) => one === '15' || one === '45')) return HOUR_MS / 4;
  return minutes.includes('30') ? HOUR_MS / 2 : HOUR_MS;
}
