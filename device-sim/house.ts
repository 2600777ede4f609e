import { z } from 'zod';
import type { Profile } from '../src/terminals/profile.ts';
import { createHeater, type HeaterKind, heaterSchema, stepHeater } from './heaters.ts';
import { createMeter, type MeterKind, meterSchema, stepMeter } from './meters.ts';
import type { Random } from './random.ts';

/** A house as it truly is. Terminals show it rounded. */
export const houseSchema = z.strictObject({
  id: z.string(),
  lossKwPerK: z.number(),
  massKwhPerK: z.number(),
  roomC: z.number(),
  outdoorC: z.number(),
  elapsedS: z.number(),
  heaters: z.array(heaterSchema),
  meters: z.array(meterSchema),
});
export type House = z.infer<typeof houseSchema>;

const heaterKinds: Partial<Record<Profile['kind'], HeaterKind>> = {
  gas_boiler: 'gas_boiler',
  heat_pump: 'heat_pump',
  electric_heater: 'electric_heater',
};
const meterKinds: Partial<Record<Profile['kind'], MeterKind>> = {
  gas_meter: 'gas_meter',
  electricity_meter: 'electricity_meter',
  heat_meter: 'heat_meter',
};
/** People, lamps, the stove. */
const gainsKw = 0.2;
const longestStepS = 30;

export function createHouse(
  id: string,
  terminals: readonly { id: string; profile: Profile }[],
  outdoorC: number,
  random: Random,
): House {
  const house: House = {
    id,
    lossKwPerK: random.between(0.12, 0.24),
    massKwhPerK: random.between(3, 7),
    roomC: random.between(16.5, 20),
    outdoorC,
    elapsedS: 0,
    heaters: [],
    meters: [],
  };
  for (const { id: terminal, profile } of terminals) {
    const heater = heaterKinds[profile.kind];
    if (heater) house.heaters.push(createHeater(terminal, heater, profile, random.fork(terminal)));
    const meter = meterKinds[profile.kind];
    if (meter) house.meters.push(createMeter(terminal, meter, random.fork(terminal)));
  }
  return withUnseenHeaters(house, random);
}

/** A meter that stands alone still counts something: a heater that no terminal watches. */
function withUnseenHeaters(house: House, random: Random): House {
  const heats = (kind: HeaterKind): boolean => house.heaters.some((heater) => heater.kind === kind);
  const unseen = (kind: HeaterKind): void => {
    house.heaters.push(createHeater(`${house.id}#${kind}`, kind, undefined, random.fork(kind)));
  };
  const counts = (kind: MeterKind): boolean => house.meters.some((meter) => meter.kind === kind);
  if (counts('gas_meter') && !heats('gas_boiler')) unseen('gas_boiler');
  if (house.heaters.length === 0) unseen(counts('electricity_meter') ? 'electric_heater' : 'gas_boiler');
  return house;
}

/** The house so many seconds later. */
export function step(house: House, seconds: number, outdoorC: number): House {
  let next = house;
  for (let left = seconds; left > 0; left -= longestStepS)
    next = shortStep(next, Math.min(left, longestStepS), outdoorC);
  return next;
}

function shortStep(house: House, seconds: number, outdoorC: number): House {
  const hours = seconds / 3_600;
  const gasOpen = house.meters.every((meter) => meter.kind !== 'gas_meter' || meter.valveOpen);
  const around = { roomC: house.roomC, outdoorC, gasOpen };
  const heaters = house.heaters.map((heater) => stepHeater(heater, around, hours));
  const emittedKw = heaters.reduce((sum, heater) => sum + heater.emittedKw, 0);
  const drawn: Record<MeterKind, number> = {
    gas_meter: heaters.reduce((sum, heater) => sum + heater.gasM3h, 0),
    electricity_meter: heaters.reduce((sum, heater) => sum + heater.electricKw, 0),
    heat_meter: heaters.reduce((sum, heater) => sum + heater.heatKw, 0),
  };
  const gainKw = emittedKw + gainsKw - house.lossKwPerK * (house.roomC - outdoorC);
  return {
    ...house,
    roomC: house.roomC + (gainKw * hours) / house.massKwhPerK,
    outdoorC,
    elapsedS: house.elapsedS + seconds,
    heaters,
    meters: house.meters.map((meter) => stepMeter(meter, drawn[meter.kind], seconds)),
  };
}
