import { z } from 'zod';
import type { Random } from './random.ts';

/** What counts in a house, and the valve of a gas meter, or the relay of an electricity meter. */
export const meterSchema = z.strictObject({
  id: z.string(),
  kind: z.enum(['gas_meter', 'electricity_meter', 'heat_meter']),
  /** m³ of gas, kWh of electricity or kWh of heat. */
  count: z.number(),
  /** What goes through it now: m³/h or kW. */
  flow: z.number(),
  batteryV: z.number(),
  gridV: z.number(),
  valveOpen: z.boolean(),
  /** Armed: the resident presses the key in so many seconds. */
  keyInS: z.number().nullable(),
});
export type Meter = z.infer<typeof meterSchema>;
export type MeterKind = Meter['kind'];

export function createMeter(id: string, kind: MeterKind, random: Random): Meter {
  return {
    id,
    kind,
    count: random.between(100, 5_000),
    flow: 0,
    batteryV: random.between(3.45, 3.65),
    gridV: random.between(224, 234),
    valveOpen: true,
    keyInS: null,
  };
}

/** `flow` is what the house draws through this meter. */
export function stepMeter(meter: Meter, flow: number, seconds: number): Meter {
  const left = meter.keyInS === null ? null : meter.keyInS - seconds;
  const pressed = left !== null && left <= 0;
  // What is cut off draws nothing.
  const through = meter.kind === 'electricity_meter' && !meter.valveOpen ? 0 : flow;
  return {
    ...meter,
    flow: through,
    count: meter.count + (through * seconds) / 3_600,
    // About 0.1 V a year.
    batteryV: Math.max(2.5, meter.batteryV - seconds * 3e-9),
    valveOpen: meter.valveOpen || pressed,
    keyInS: pressed ? null : left,
  };
}
