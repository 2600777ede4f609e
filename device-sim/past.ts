import type { Profile } from '../src/terminals/profile.ts';
import type { House } from './house.ts';
import { measure, type Values } from './measure.ts';
import type { Random } from './random.ts';

/** What a house has used before it begins: by the day, as warm as the year is, without its physics of every minute. */

/** Between two days of the past. */
interface Used {
  readonly gasM3: number;
  readonly electricKwh: number;
  readonly heatKwh: number;
}

export interface PastReading {
  readonly time: number;
  readonly values: Values;
}

export interface Past {
  /** As it is now, with counters that have counted all of it. */
  readonly house: House;
  readingsOf(terminal: string, profile: Profile): PastReading[];
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const offsetMs = 8 * hourMs;
const yearDays = 365.25;
/** A northern year: the coldest day in January, and the hottest half a year later. */
const coldestDay = 18;
const meanC = 11;
const swingC = 16;
const roomC = 20;
/** Below this mean of the day people heat. */
const heatsBelowC = 10;
const kwhPerM3 = 9;
const copOfPump = 2.8;
/** The stove. */
const cookingM3: readonly [number, number] = [0.15, 0.45];
/** The last days are told by the hour, those before by the day. */
const hourlyDays = 14;
/** Some meters say nothing for these days of the month before. */
const silentShare = 0.05;
const [silentFrom, silentTo] = [12, 20];

/** `2026-11-26` */
const dayOf = (timeMs: number): string => new Date(timeMs + offsetMs).toISOString().slice(0, 10);
const startOfDay = (timeMs: number): number => Math.floor((timeMs + offsetMs) / dayMs) * dayMs - offsetMs;

function usedOn(house: House, dayStartMs: number, random: Random): Used {
  const dayOfYear = ((dayStartMs + offsetMs) / dayMs) % yearDays;
  const outdoorC =
    meanC - swingC * Math.cos((2 * Math.PI * (dayOfYear - coldestDay)) / yearDays) + random.between(-3, 3);
  const heatKwh = outdoorC < heatsBelowC ? house.lossKwPerK * (roomC - outdoorC) * 24 * random.between(0.85, 1.1) : 0;
  const isPumped = house.heaters.some(({ kind }) => kind === 'heat_pump');
  return {
    gasM3: heatKwh / kwhPerM3 + random.between(...cookingM3),
    electricKwh: isPumped ? heatKwh / copOfPump : heatKwh,
    heatKwh,
  };
}

const times = ({ gasM3, electricKwh, heatKwh }: Used, factor: number): Used => ({
  gasM3: gasM3 * factor,
  electricKwh: electricKwh * factor,
  heatKwh: heatKwh * factor,
});

const sum = (a: Used, b: Used): Used => ({
  gasM3: a.gasM3 + b.gasM3,
  electricKwh: a.electricKwh + b.electricKwh,
  heatKwh: a.heatKwh + b.heatKwh,
});

/** Its counters, further by what was used. */
function counted(house: House, { gasM3, electricKwh, heatKwh }: Used): House {
  const amounts = { gas_meter: gasM3, electricity_meter: electricKwh, heat_meter: heatKwh };
  return {
    ...house,
    heaters: house.heaters.map((heater) => ({
      ...heater,
      gasM3: heater.gasM3 + (heater.kind === 'gas_boiler' ? gasM3 : 0),
      energyKwh: heater.energyKwh + (heater.kind === 'gas_boiler' ? 0 : electricKwh),
      heatKwh: heater.heatKwh + heatKwh,
    })),
    meters: house.meters.map((meter) => ({ ...meter, count: meter.count + amounts[meter.kind] })),
  };
}

const nothing: Used = { gasM3: 0, electricKwh: 0, heatKwh: 0 };

/** So many days before a time; none of them gives the house as it is. */
export function createPast(house: House, days: number, { atMs, random }: { atMs: number; random: Random }): Past {
  const today = startOfDay(atMs);
  const moments: { time: number; since: Used }[] = [];
  let since = nothing;
  for (let day = today - days * dayMs; days > 0 && day <= today; day += dayMs) {
    const used = usedOn(house, day, random);
    const parts = day > today - hourlyDays * dayMs ? 24 : 1;
    const shiftMs = random.between(1, 59) * 60_000;
    for (let part = 0; part < parts; part += 1) {
      const time = day + (part * dayMs) / parts + shiftMs;
      if (time >= atMs) break;
      moments.push({ time, since });
      since = sum(since, times(used, 1 / parts));
    }
  }
  const monthBegins = Date.parse(`${dayOf(today).slice(0, 7)}-01T00:00:00+08:00`);
  const lastMonth = dayOf(monthBegins - dayMs).slice(0, 7);
  const isSilentDay = (time: number): boolean => {
    const day = dayOf(time);
    const number = Number(day.slice(8));
    return day.startsWith(lastMonth) && number >= silentFrom && number < silentTo;
  };
  return {
    house: counted(house, since),
    readingsOf(terminal, profile) {
      const isSilent = random.fork(`${terminal} silent`).chance(silentShare);
      return moments
        .filter(({ time }) => !(isSilent && isSilentDay(time)))
        .map(({ time, since: before }) => {
          const shown = measure(counted(house, before), terminal, profile);
          const counters = Object.entries(shown).filter(([name]) => profile.metrics[name]?.kind === 'counter');
          return { time, values: Object.fromEntries(counters) };
        })
        .filter(({ values }) => Object.keys(values).length > 0);
    },
  };
}
