import { z } from 'zod';
import { isDay } from '../lib/calendar.ts';
import { type Decimal, decimal } from '../lib/money.ts';

/** A tariff as data: what a unit costs, when, and how much of it. Prices are yuan for one unit of its metric. */

const title = z.strictObject({ zh: z.string().min(1), en: z.string().min(1) });
const day = z.string().refine(isDay, 'a day such as 2026-11-01');
const MONTH_DAY = /^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
/** A day of every year; 29 February would be missing in most. */
export const monthDay = z
  .string()
  .refine((text) => MONTH_DAY.test(text) && text !== '02-29' && isDay(`2027-${text}`), 'a day such as 11-01');

/** A number that is exact: as text, or a YAML number of which no digit is lost. */
const exact = z.union([z.string(), z.number()]).transform((value, context) => {
  const text = String(value);
  if (/^\d{1,9}(\.\d{1,6})?$/.test(text)) return decimal(text);
  context.addIssue({ code: 'custom', message: 'a number from 0 on with at most six decimals' });
  return z.NEVER;
});
const bandName = z.string().regex(/^[a-z][a-z0-9_]{0,19}$/);
/** By band; under the empty name where there are none. */
const price = z.union([exact.transform((all): Record<string, Decimal> => ({ '': all })), z.record(bandName, exact)], {
  error: 'a price from 0 on with at most six decimals, or one for each band',
});
export type Price = z.infer<typeof price>;
/** Quarters of an hour, since the use of a counter is known in no smaller parts. */
const clockTime = z.string().regex(/^([01]\d|2[0-3]):(00|15|30|45)$|^24:00$/, 'a quarter of an hour such as 08:30');

/** What a unit costs: one price, or one for each band of the day; or tiers, each with such a price. */
const rates = z
  .strictObject({
    price: price.optional(),
    ladder: z
      .strictObject({
        /** When the count begins again: on the first of a month, with the heating season, or on `resets`. */
        every: z.enum(['month', 'season', 'year']),
        resets: monthDay.default('01-01'),
        /** `upTo` is the end of a tier in units since the count began; the last tier has none. */
        tiers: z
          .array(z.strictObject({ upTo: exact.optional(), price }))
          .min(1)
          .max(10),
      })
      .optional(),
  })
  .refine((one) => (one.price === undefined) !== (one.ladder === undefined), 'give either price or ladder');
export type Rates = z.infer<typeof rates>;

const subsidy = z.strictObject({
  title,
  /** Yuan for each unit. */
  perUnit: exact,
  /** Only for so many units of each month; without it for all. */
  upToPerMonth: exact.optional(),
  /** Yuan; the most that a household gets in one season. */
  capPerSeason: exact,
});

const version = z.strictObject({
  /** The first day on which it holds, until the next version does. */
  from: day,
  /** Where its figures come from, when the file's `source` is not that of this version. */
  source: z.string().optional(),
  /** Parts of the day by clock in Asia/Shanghai; one may go over midnight. */
  bands: z.record(bandName, z.array(z.strictObject({ from: clockTime, to: clockTime })).min(1)).optional(),
  rates,
  /** Its first and last day, both included, each year; over the turn of the year as a rule. */
  season: z
    .strictObject({ from: monthDay, to: monthDay, rates: rates.optional(), subsidy: subsidy.optional() })
    .optional(),
});
export type TariffVersion = z.infer<typeof version>;

export const tariffSchema = z.strictObject({
  tariff: z.string().regex(/^[a-z0-9-]{1,60}$/),
  title,
  /** Document, date, and what of the figures is not from it. */
  source: z.string().min(1),
  metric: z.string().regex(/^[a-z][a-z0-9_]{0,40}$/),
  /** Whose tariff it is without being named; all that is given must fit. Without `applies` it is only theirs who are given it by name. */
  applies: z
    .strictObject({
      companies: z.array(z.string()).min(1).optional(),
      areas: z.array(z.string()).min(1).optional(),
      profileKinds: z.array(z.string()).min(1).optional(),
    })
    .optional(),
  versions: z.array(version).min(1),
});
export type Tariff = z.infer<typeof tariffSchema>;

export const isOnePrice = (price: Price): boolean => '' in price;

export const minutesOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));

const DAY_MINUTES = 1_440;
const QUARTER = 15;

/** How many bands claim each quarter of an hour. */
function quartersOf(bands: NonNullable<TariffVersion['bands']>): number[] {
  const claims = new Array<number>(DAY_MINUTES / QUARTER).fill(0);
  for (const { from, to } of Object.values(bands).flat()) {
    const [start, end] = [minutesOf(from), minutesOf(to)];
    const length = end > start ? end - start : end - start + DAY_MINUTES;
    for (let at = start; at < start + length; at += QUARTER) {
      const index = (at % DAY_MINUTES) / QUARTER;
      claims[index] = (claims[index] ?? 0) + 1;
    }
  }
  return claims;
}

function wrongPrice(price: Price, bands: string[], path: string): string[] {
  const names = Object.keys(price);
  const fits = isOnePrice(price) || (names.length === bands.length && bands.every((band) => names.includes(band)));
  return fits ? [] : [`${path}: name a price for each of bands, and for no other`];
}

function wrongRates({ price, ladder }: Rates, one: TariffVersion, path: string): string[] {
  const bands = Object.keys(one.bands ?? {});
  const found = price === undefined ? [] : wrongPrice(price, bands, `${path}.price`);
  const tiers = ladder?.tiers ?? [];
  for (const [index, { upTo, price: tierPrice }] of tiers.entries()) {
    const at = `${path}.ladder.tiers.${index}`;
    found.push(...wrongPrice(tierPrice, bands, `${at}.price`));
    const before = tiers[index - 1]?.upTo ?? decimal(0);
    const isLast = index === tiers.length - 1;
    if (isLast !== (upTo === undefined)) found.push(`${at}: every tier but the last has upTo`);
    else if (upTo?.lte(before)) found.push(`${at}.upTo: above that of the tier before`);
  }
  return found;
}

/** What the schema alone cannot say: that the parts of a tariff fit each other. */
export function tariffContradictions({ versions }: Tariff): string[] {
  return versions.flatMap((one, index) => {
    const path = `versions.${index}`;
    const found: string[] = [];
    const before = versions[index - 1];
    if (before && before.from >= one.from) found.push(`${path}.from: later than that of the version before`);
    if (one.bands && quartersOf(one.bands).some((claims) => claims !== 1))
      found.push(`${path}.bands: together they cover each minute of the day once`);
    found.push(...wrongRates(one.rates, one, `${path}.rates`));
    if (one.rates.ladder?.every === 'season')
      found.push(`${path}.rates.ladder.every: a count by season lies in season.rates`);
    if (one.season?.rates) found.push(...wrongRates(one.season.rates, one, `${path}.season.rates`));
    return found;
  });
}
