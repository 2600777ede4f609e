import assert from 'node:assert/strict';
import { dayOf } from '../lib/calendar.ts';
import { type Decimal, decimal, type Fen, fromFen, least, roundToFen } from '../lib/money.ts';
import { bandAt, monthOf, seasonOf, versionOn, yearOf } from './season.ts';
import { isOnePrice, type Price, type Rates, type Tariff, type TariffVersion } from './tariff-schema.ts';

/**
 * From use to the lines of a bill. Pure: the same use and the same tariff always give the same lines. A line is rounded once, half a fen
 * up; the total is the sum of the rounded lines, so a reader can add it up. What a period costs in two parts can differ from what it
 * costs in one by half a fen for each line.
 */

/** What was used in a part of a day: no part is longer than a day or goes over a border of a band. */
export interface Used {
  /** Epoch ms. */
  time: number;
  amount: Decimal;
}

/** What was billed before, so that tiers and caps go on from there. */
export interface Before {
  /** Units from a day on, before the first that is billed now. */
  usedSince(day: string): Decimal;
  /** What was paid as subsidy in the season that began on a day. */
  subsidyFen(season: string): Fen;
}

const NOTHING_BEFORE: Before = { usedSince: () => decimal(0), subsidyFen: () => 0n };

/** Why a line is as it is: texts are the reader's. */
type LineRule = 'flat' | 'tier' | 'season_flat' | 'season_tier' | 'subsidy' | 'subsidy_capped';

export interface BillLine {
  rule: LineRule;
  tariff: string;
  /** Its version, by the first day of that. */
  version: string;
  metric: string;
  /** The first and the last day of use in it. */
  from: string;
  to: string;
  band: string | null;
  /** From 1 on, with the units between which it lies; the last has no end. */
  tier: number | null;
  tierFrom: string | null;
  tierTo: string | null;
  /** The first day of what the tiers count. */
  countedSince: string | null;
  /** The first day of the heating season, for what holds only in it. */
  season: string | null;
  /** Exact, as text. Yuan for one unit. */
  quantity: string;
  unitPrice: string;
  /** Below zero for a subsidy. */
  amountFen: number;
}

interface Open extends Omit<BillLine, 'quantity' | 'unitPrice' | 'amountFen'> {
  quantity: Decimal;
  unitPrice: Decimal;
}

interface Place {
  version: TariffVersion;
  day: string;
  season: string | undefined;
  rates: Rates;
  band: string | undefined;
}

function priceIn(price: Price, band: string | undefined): { band: string | null; unitPrice: Decimal } {
  const own = isOnePrice(price) ? null : (band ?? null);
  const unitPrice = price[own ?? ''];
  assert(unitPrice, 'a tariff has a price for each of its bands');
  return { band: own, unitPrice };
}

/** A meter's or household's own first day of the year takes the place of the tariff's. */
function countBegins({ day, season }: Place, ladder: NonNullable<Rates['ladder']>, tierReset: string | null): string {
  if (ladder.every === 'month') return monthOf(day);
  if (ladder.every === 'season') return season ?? day;
  return yearOf(day, tierReset ?? ladder.resets);
}

/** What is left of `most`, or all of `amount` when that is less. */
function within(amount: Fen, most: Fen): Fen {
  if (most <= 0n) return 0n;
  return amount > most ? most : amount;
}

/** With the rounding, and no more subsidy than its season has left. */
function closed(tariff: Tariff, lines: Open[], before: Before): BillLine[] {
  const paid = new Map<string, Fen>();
  const isSubsidy = ({ rule }: Open) => rule === 'subsidy';
  const inOrder = [...lines.filter((line) => !isSubsidy(line)), ...lines.filter(isSubsidy)];
  return inOrder.map((line) => {
    const { quantity, unitPrice, season } = line;
    const shown = { ...line, quantity: quantity.toFixed(), unitPrice: unitPrice.toFixed() };
    const amount = roundToFen(quantity.times(unitPrice));
    if (!isSubsidy(line) || season === null) return { ...shown, amountFen: fromFen(amount) };
    const cap = versionOn(tariff.versions, line.version)?.season?.subsidy?.capPerSeason ?? decimal(0);
    const already = paid.get(season) ?? before.subsidyFen(season);
    const given = within(amount, roundToFen(cap) - already);
    paid.set(season, already + given);
    return { ...shown, rule: given < amount ? 'subsidy_capped' : 'subsidy', amountFen: fromFen(-given) };
  });
}

export function priceUse(
  tariff: Tariff,
  use: Iterable<Used>,
  { before = NOTHING_BEFORE, tierReset = null }: { before?: Before; tierReset?: string | null } = {},
): BillLine[] {
  const lines = new Map<string, Open>();
  /** Units counted, by the day with which the count began. */
  const counted = new Map<string, Decimal>();
  const subsidised = new Map<string, Decimal>();
  let firstDay: string | undefined;

  function placeOf(time: number): Place {
    const day = dayOf(time);
    const version = versionOn(tariff.versions, day);
    if (!version) throw new Error(`${tariff.tariff} has no version for ${day}`);
    const season = version.season && seasonOf(day, version.season);
    const rates = (season !== undefined && version.season?.rates) || version.rates;
    return { version, day, season, rates, band: version.bands && bandAt(version.bands, time) };
  }

  /** What is counted so far, with what was billed before the first day of this. */
  function soFar(map: Map<string, Decimal>, since: string): Decimal {
    const known = map.get(since);
    if (known) return known;
    return since < (firstDay ?? since) ? before.usedSince(since) : decimal(0);
  }

  function add(line: Omit<Open, 'quantity' | 'from' | 'to'>, day: string, quantity: Decimal): void {
    const { rule, version, band, tier, countedSince, season } = line;
    const key = [rule, version, band, tier, countedSince, season].join('|');
    const open = lines.get(key) ?? { ...line, from: day, to: day, quantity: decimal(0) };
    open.quantity = open.quantity.plus(quantity);
    if (day > open.to) open.to = day;
    lines.set(key, open);
  }

  const common = ({ version, rates, season }: Place) => ({
    tariff: tariff.tariff,
    version: version.from,
    metric: tariff.metric,
    band: null,
    tier: null,
    tierFrom: null,
    tierTo: null,
    countedSince: null,
    season: rates === version.season?.rates ? (season ?? null) : null,
  });

  function addTiers(place: Place, ladder: NonNullable<Rates['ladder']>, amount: Decimal): void {
    const since = countBegins(place, ladder, tierReset);
    let left = amount;
    let at = soFar(counted, since);
    for (const [index, { upTo, price }] of ladder.tiers.entries()) {
      if (upTo && at.gte(upTo)) continue;
      const take = upTo ? least(left, upTo.minus(at)) : left;
      if (take.isZero()) break;
      const shared = common(place);
      add(
        {
          ...shared,
          rule: shared.season === null ? 'tier' : 'season_tier',
          tier: index + 1,
          tierFrom: (ladder.tiers[index - 1]?.upTo ?? decimal(0)).toFixed(),
          tierTo: upTo?.toFixed() ?? null,
          countedSince: since,
          ...priceIn(price, place.band),
        },
        place.day,
        take,
      );
      left = left.minus(take);
      at = at.plus(take);
    }
    counted.set(since, at);
  }

  function addSubsidy(place: Place, amount: Decimal): void {
    const subsidy = place.version.season?.subsidy;
    if (!subsidy || place.season === undefined) return;
    const month = monthOf(place.day);
    const at = soFar(subsidised, month);
    subsidised.set(month, at.plus(amount));
    const limit = subsidy.upToPerMonth;
    const eligible = limit ? least(amount, limit.minus(at)) : amount;
    if (eligible.lte(0)) return;
    const { season, day } = place;
    add({ ...common(place), rule: 'subsidy', season, unitPrice: subsidy.perUnit }, day, eligible);
  }

  for (const { time, amount } of use) {
    firstDay ??= dayOf(time);
    if (amount.isZero()) continue;
    const place = placeOf(time);
    const { price, ladder } = place.rates;
    if (ladder) addTiers(place, ladder, amount);
    else if (price) {
      const shared = common(place);
      const rule = shared.season === null ? ('flat' as const) : ('season_flat' as const);
      add({ ...shared, rule, ...priceIn(price, place.band) }, place.day, amount);
    }
    addSubsidy(place, amount);
  }
  return closed(tariff, [...lines.values()], before);
}
