import type { Profile } from '../src/terminals/profile.ts';
import type { FleetFile } from './fleet.ts';
import { createHouse, type House, step } from './house.ts';
import { measure, type Values } from './measure.ts';
import { type Order, obey } from './obedience.ts';
import { createPast, type Past, type PastReading } from './past.ts';
import type { Random } from './random.ts';
import { createWeather } from './weather.ts';

/** All houses of a fleet, and which terminal stands in which. */
export interface Village {
  house(id: string): House | undefined;
  houses(): House[];
  /** How cold it is outdoors, in °C. */
  outdoorC(atMs: number): number;
  /** What a terminal shows now. */
  values(terminal: string): Values;
  /** What its counters showed in the days before the village began; nothing of a house that was kept. */
  past(terminal: string): PastReading[];
  obey(terminal: string, order: Order, keyInS: number): void;
  /** Lets time pass. Gives the terminals whose valve a resident opened meanwhile. */
  pass(seconds: number, atMs: number): string[];
}

export interface VillageParts {
  readonly fleet: FleetFile;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly saved: readonly House[];
  readonly atMs: number;
  /** For so many days houses that are new have lived already. */
  readonly pastDays: number;
  readonly random: Random;
}

export function createVillage({ fleet, profiles, saved, atMs, pastDays, random }: VillageParts): Village {
  const weather = createWeather(random.fork('weather'));
  const savedById = new Map(saved.map((house) => [house.id, house]));
  const places = new Map<string, { house: string; profile: Profile }>();
  const houses = new Map<string, House>();
  const pasts = new Map<string, Past>();
  for (const [id, terminals] of Map.groupBy(fleet.terminals, ({ house }) => house)) {
    const known = terminals.flatMap((terminal) => {
      const profile = profiles.get(terminal.profile);
      return profile ? [{ id: terminal.id, profile }] : [];
    });
    for (const { id: terminal, profile } of known) places.set(terminal, { house: id, profile });
    const fresh = createHouse(id, known, weather(atMs), random.fork(id));
    const kept = savedById.get(id);
    const past = createPast(fresh, kept ? 0 : pastDays, { atMs, random: random.fork(`${id} past`) });
    pasts.set(id, past);
    houses.set(id, resumed(past.house, kept));
  }

  const homeOf = (terminal: string): { house: House; profile: Profile } | undefined => {
    const place = places.get(terminal);
    const house = place && houses.get(place.house);
    return house && { house, profile: place.profile };
  };

  return {
    house: (id) => houses.get(id),
    houses: () => [...houses.values()],
    outdoorC: weather,
    values(terminal) {
      const home = homeOf(terminal);
      return home ? measure(home.house, terminal, home.profile) : {};
    },
    past(terminal) {
      const place = places.get(terminal);
      return (place && pasts.get(place.house)?.readingsOf(terminal, place.profile)) ?? [];
    },
    obey(terminal, order, keyInS) {
      const home = homeOf(terminal);
      if (home) houses.set(home.house.id, obey(home.house, terminal, order, keyInS));
    },
    pass(seconds, nowMs) {
      const outdoorC = weather(nowMs);
      const opened: string[] = [];
      for (const [id, house] of houses) {
        const later = step(house, seconds, outdoorC);
        houses.set(id, later);
        for (const meter of house.meters) {
          if (!meter.valveOpen && later.meters.some((m) => m.id === meter.id && m.valveOpen)) opened.push(meter.id);
        }
      }
      return opened;
    },
  };
}

/** A saved house goes on; terminals that it did not have then begin fresh, those that are gone stay away. */
function resumed(fresh: House, saved: House | undefined): House {
  if (!saved) return fresh;
  return {
    ...saved,
    heaters: fresh.heaters.map((heater) => saved.heaters.find(({ id }) => id === heater.id) ?? heater),
    meters: fresh.meters.map((meter) => saved.meters.find(({ id }) => id === meter.id) ?? meter),
  };
}
