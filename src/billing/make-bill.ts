import { dayOf } from '../lib/calendar.ts';
import { type Decimal, decimal, type Fen, toFen } from '../lib/money.ts';
import type { Segment } from './choose-tariff.ts';
import { type DayUse, isDoubtful, type MeterUse } from './meter-use.ts';
import { type Before, type BillLine, priceUse } from './pricing.ts';
import { seasonOf, yearOf } from './season.ts';

/** A household's bill for some days, from what its meters counted and what was billed before. Pure. */

/** What was billed before: tiers and subsidies go on from it. */
export interface Earlier {
  lines: BillLine[];
  usage: { metric: string; days: DayUse[] }[];
}

export interface MadeBill {
  lines: BillLine[];
  chargeFen: Fen;
  /** Above zero. */
  subsidyFen: Fen;
  doubtfulDays: number;
  usage: MeterUse[];
}

/** One metric: its tariffs, and the meters that count it. */
export interface Billed {
  metric: string;
  segments: Segment[];
  meters: MeterUse[];
}

const isSubsidy = ({ rule }: BillLine): boolean => rule === 'subsidy' || rule === 'subsidy_capped';

/** Days that two meters share count once. */
const doubtfulDaysOf = (usage: MeterUse[]): number =>
  new Set(usage.flatMap(({ days }) => days.filter(isDoubtful).map(({ day }) => day))).size;

const amountOf = (days: DayUse[], from: string, before: string): Decimal =>
  decimal(days.reduce((sum, { day, thousandths }) => (day >= from && day < before ? sum + thousandths : sum), 0)).div(
    1_000,
  );

/** The first day whose bill is asked for by a bill that begins on `day`: where its tiers or its season's subsidy began. */
export function countsFrom({ from, tariff, tierReset }: Segment): string {
  let first = from;
  for (const { rates, season } of tariff.versions) {
    const own = season && seasonOf(from, season);
    if (own !== undefined && own < first && (season?.subsidy || season?.rates?.ladder?.every === 'season')) first = own;
    for (const ladder of [rates.ladder, season?.rates?.ladder]) {
      if (ladder?.every !== 'year') continue;
      const year = yearOf(from, tierReset ?? ladder.resets);
      if (year < first) first = year;
    }
  }
  return first;
}

function linesOf({ metric, segments, meters }: Billed, earlier: Earlier): BillLine[] {
  const parts = meters.flatMap((meter) => meter.parts).toSorted((a, b) => a.time - b.time);
  const days = [...earlier.usage.filter((one) => one.metric === metric), ...meters].flatMap((one) => one.days);
  const made: BillLine[] = [];
  for (const { from, through, tariff, tierReset } of segments) {
    const before: Before = {
      usedSince: (day) => amountOf(days, day, from),
      subsidyFen: (season) =>
        [...earlier.lines, ...made]
          .filter((line) => isSubsidy(line) && line.tariff === tariff.tariff && line.season === season)
          .reduce((sum, { amountFen }) => sum + toFen(-amountFen), 0n),
    };
    const own = parts.filter(({ time }) => {
      const day = dayOf(time);
      return day >= from && day <= through;
    });
    made.push(...priceUse(tariff, own, { before, tierReset }));
  }
  return made;
}

export function makeBill(billed: Billed[], earlier: Earlier): MadeBill {
  const lines = billed.flatMap((one) => linesOf(one, earlier));
  const usage = billed.flatMap(({ meters }) => meters);
  const sum = (some: BillLine[]) => some.reduce((total, { amountFen }) => total + toFen(amountFen), 0n);
  return {
    lines,
    chargeFen: sum(lines.filter((line) => !isSubsidy(line))),
    subsidyFen: -sum(lines.filter(isSubsidy)),
    doubtfulDays: doubtfulDaysOf(usage),
    usage,
  };
}
