import { parse as parseCsv } from 'csv-parse/sync';
import { z } from 'zod';

/** What a weather source says: JSON, or CSV with the columns `areaCode,time,outdoorC,forecastMinC`. */

const celsius = z.number().min(-90).max(60);
const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

const sky = z.object({
  outdoorC: celsius,
  /** The least of the next 24 hours … */
  forecastMinC: celsius.nullish(),
  /** … or hour by hour, of which it is taken. */
  forecast: z
    .array(z.object({ time, outdoorC: celsius }))
    .max(1_000)
    .optional(),
});
type Sky = z.infer<typeof sky>;

const json = z.object({
  time,
  ...sky.partial({ outdoorC: true }).shape,
  /** By the code of an area, for it and all below it. */
  areas: z.record(z.string().regex(/^\d{1,20}$/), sky.extend({ time: time.optional() })).optional(),
});

/** The weather of an area, `''` for everywhere. Times are epoch ms. */
export interface Said {
  time: number;
  outdoorC: number;
  /** The least of the day that follows `now`; null when nothing is forecast. */
  forecastMinC: (now: number) => number | null;
}

const DAY_MS = 86_400_000;

const saidBy = ({ outdoorC, forecastMinC, forecast }: Sky, at: number): Said => ({
  time: at,
  outdoorC,
  forecastMinC(now) {
    const hours = (forecast ?? []).filter((hour) => hour.time >= now && hour.time <= now + DAY_MS);
    const least = [...(forecastMinC == null ? [] : [forecastMinC]), ...hours.map((hour) => hour.outdoorC)];
    return least.length > 0 ? Math.min(...least) : null;
  },
});

function fromJson(text: string): Map<string, Said> {
  const { time: at, areas = {}, outdoorC, ...everywhere } = json.parse(JSON.parse(text));
  const said = Object.entries(areas).map(([code, one]) => [code, saidBy(one, one.time ?? at)] as const);
  if (outdoorC !== undefined) said.push(['', saidBy({ ...everywhere, outdoorC }, at)]);
  return new Map(said);
}

const row = z.object({
  areaCode: z
    .string()
    .regex(/^\d{0,20}$/)
    .default(''),
  time,
  outdoorC: z.string().min(1).transform(Number).pipe(celsius),
  forecastMinC: z
    .string()
    .default('')
    .transform((text) => (text === '' ? null : Number(text)))
    .pipe(celsius.nullable()),
});

function fromCsv(text: string): Map<string, Said> {
  const rows = z.array(row).parse(parseCsv(text, { columns: true, trim: true, skip_empty_lines: true, bom: true }));
  return new Map(rows.map((one) => [one.areaCode, saidBy(one, one.time)]));
}

/** Throws when it is neither, or says nothing of any place. */
export function parseWeather(text: string): Map<string, Said> {
  const said = /^\s*\{/.test(text) ? fromJson(text) : fromCsv(text);
  if (said.size === 0) throw new Error('it says nothing of any place');
  return said;
}
