import { z } from 'zod';
import type { Profile } from '../src/terminals/profile.ts';
import type { Random } from './random.ts';

/** What heats a house: its switches, its water and what it has used. */
export const heaterSchema = z.strictObject({
  id: z.string(),
  kind: z.enum(['gas_boiler', 'heat_pump', 'electric_heater']),
  ratedKw: z.number(),
  /** Whether its setpoint is the room's temperature or the water's. */
  holds: z.enum(['room', 'flow']),
  powerOn: z.boolean(),
  roomTargetC: z.number(),
  flowTargetC: z.number(),
  /** The thermostat's memory between its two edges. */
  calling: z.boolean(),
  /** Mean of the water in the circuit. */
  waterC: z.number(),
  coldBar: z.number(),
  heatKw: z.number(),
  /** What the radiators or the floor give to the room. */
  emittedKw: z.number(),
  electricKw: z.number(),
  gasM3h: z.number(),
  gasM3: z.number(),
  energyKwh: z.number(),
  heatKwh: z.number(),
});
export type Heater = z.infer<typeof heaterSchema>;
export type HeaterKind = Heater['kind'];

interface Surroundings {
  readonly roomC: number;
  readonly outdoorC: number;
  readonly gasOpen: boolean;
}

/** Radiators or floor: kWh to warm the water by 1 K, kW to the room per K, kW carried per K between supply and return. */
const circuits = {
  gas_boiler: { massKwhPerK: 0.12, emitterKwPerK: 0.36, flowKwPerK: 0.93 },
  heat_pump: { massKwhPerK: 0.3, emitterKwPerK: 0.45, flowKwPerK: 1.4 },
} as const;

const ratingsKw: Record<HeaterKind, readonly [number, number]> = {
  gas_boiler: [18, 24],
  heat_pump: [10, 16],
  electric_heater: [8, 12],
};
const kwhPerM3 = 10;
const boilerEfficiency = 0.9;
const halfBandK = 0.3;

export function createHeater(id: string, kind: HeaterKind, profile: Profile | undefined, random: Random): Heater {
  const setpoint = profile?.commands['setpoint']?.range;
  const holds = setpoint ? (setpoint.max > 35 ? 'flow' : 'room') : kind === 'heat_pump' ? 'flow' : 'room';
  return {
    id,
    kind,
    ratedKw: Math.round(random.between(...ratingsKw[kind])),
    holds,
    powerOn: true,
    // With a flow setpoint the room is held by a thermostat that the gateway does not see.
    roomTargetC: holds === 'room' ? Math.round(random.between(17, 21) * 2) / 2 : 22,
    flowTargetC: kind === 'heat_pump' ? Math.round(random.between(36, 44)) : 65,
    calling: false,
    waterC: random.between(25, 35),
    coldBar: random.between(1.2, 1.7),
    heatKw: 0,
    emittedKw: 0,
    electricKw: 0,
    gasM3h: 0,
    gasM3: kind === 'gas_boiler' ? random.between(100, 4_000) : 0,
    energyKwh: random.between(200, 9_000),
    heatKwh: random.between(500, 20_000),
  };
}

/** Water at the two ends of the circuit. */
export function waterEnds(heater: Heater): { supplyC: number; returnC: number } {
  if (heater.kind === 'electric_heater') return { supplyC: heater.waterC, returnC: heater.waterC };
  const half = Math.max(0, heater.emittedKw) / circuits[heater.kind].flowKwPerK / 2;
  return { supplyC: heater.waterC + half, returnC: heater.waterC - half };
}

export function stepHeater(heater: Heater, around: Surroundings, hours: number): Heater {
  const calling = thermostat(heater, around);
  const run = running[heater.kind]({ ...heater, calling }, around);
  return {
    ...heater,
    ...run,
    calling,
    waterC: nextWater(heater, run, around.roomC, hours),
    gasM3: heater.gasM3 + run.gasM3h * hours,
    energyKwh: heater.energyKwh + run.electricKw * hours,
    heatKwh: heater.heatKwh + run.heatKw * hours,
  };
}

function thermostat(heater: Heater, { roomC, gasOpen }: Surroundings): boolean {
  if (!heater.powerOn || (heater.kind === 'gas_boiler' && !gasOpen)) return false;
  return roomC < heater.roomTargetC + (heater.calling ? halfBandK : -halfBandK);
}

type Run = Pick<Heater, 'heatKw' | 'emittedKw' | 'electricKw' | 'gasM3h'>;

const running: Record<HeaterKind, (heater: Heater, around: Surroundings) => Run> = {
  gas_boiler(heater, { roomC }) {
    const { supplyC } = waterEnds(heater);
    // The burner turns itself down near its flow temperature, to 30 % and then out.
    const share = Math.min(1, (heater.flowTargetC + 8 - supplyC) / 10);
    const heatKw = heater.calling && share > 0 ? heater.ratedKw * Math.max(0.3, share) : 0;
    return {
      heatKw,
      emittedKw: circuits.gas_boiler.emitterKwPerK * (heater.waterC - roomC),
      electricKw: heatKw > 0 ? 0.12 : 0.005,
      gasM3h: heatKw / (kwhPerM3 * boilerEfficiency),
    };
  },
  heat_pump(heater, { roomC, outdoorC }) {
    // The rooms' valves close slowly as it gets warm.
    const opening = Math.min(1, Math.max(0.05, heater.roomTargetC + 1 - roomC));
    const emittedKw = circuits.heat_pump.emitterKwPerK * opening * (heater.waterC - roomC);
    const { supplyC } = waterEnds({ ...heater, emittedKw });
    const mostKw = heater.ratedKw * Math.max(0.4, 1 + 0.015 * (outdoorC - 7));
    const wantedKw = emittedKw + circuits.heat_pump.massKwhPerK * (heater.flowTargetC - supplyC) * 6;
    const heatKw = heater.powerOn && wantedKw > mostKw * 0.1 ? Math.min(mostKw, wantedKw) : 0;
    return { heatKw, emittedKw, electricKw: 0.015 + heatKw / efficiency(supplyC, outdoorC), gasM3h: 0 };
  },
  electric_heater(heater) {
    const heatKw = heater.calling ? heater.ratedKw : 0;
    return { heatKw, emittedKw: heatKw, electricKw: heatKw + 0.003, gasM3h: 0 };
  },
};

/** A heat pump's coefficient of performance: two fifths of what Carnot allows. */
function efficiency(supplyC: number, outdoorC: number): number {
  return Math.min(5.5, Math.max(1.5, (0.4 * (supplyC + 273)) / Math.max(10, supplyC - outdoorC)));
}

function nextWater(heater: Heater, run: Run, roomC: number, hours: number): number {
  if (heater.kind === 'electric_heater') return roomC;
  return heater.waterC + ((run.heatKw - run.emittedKw) * hours) / circuits[heater.kind].massKwhPerK;
}
