import type { Profile } from '../src/terminals/profile.ts';
import { type Heater, waterEnds } from './heaters.ts';
import type { House } from './house.ts';
import type { Meter } from './meters.ts';

export type Values = Record<string, number | boolean>;

/** What a terminal shows of its house: its profile's metrics, rounded as devices round. */
export function measure(house: House, terminal: string, profile: Profile): Values {
  const heater = house.heaters.find(({ id }) => id === terminal);
  const meter = house.meters.find(({ id }) => id === terminal);
  const truth = new Map(
    Object.entries({ ...(heater && ofHeater(house, heater)), ...(meter && ofMeter(house, meter)) }),
  );
  const shown: Values = {};
  for (const [name, metric] of Object.entries(profile.metrics)) {
    const value = truth.get(name);
    if (value === undefined) continue;
    if (metric.kind === 'state') shown[name] = Boolean(value);
    else if (metric.kind === 'counter') shown[name] = (Math.floor(Number(value) * 100) / 100) % metric.rollsOverAt;
    else shown[name] = rounded(Number(value), name.endsWith('_c') ? 10 : 1_000);
  }
  return shown;
}

/** `per` steps to one: 10 for tenths. Never “−0”, which JSON would not keep. */
function rounded(value: number, per: number): number {
  return Math.round(value * per) / per + 0;
}

function ofHeater(house: House, heater: Heater): Values {
  const { supplyC, returnC } = waterEnds(heater);
  return {
    supply_c: supplyC,
    return_c: returnC,
    room_c: house.roomC,
    outdoor_c: house.outdoorC,
    setpoint_c: heater.holds === 'room' ? heater.roomTargetC : heater.flowTargetC,
    pressure_bar: heater.coldBar + (heater.waterC - 20) * 0.008,
    flow_m3h: heater.gasM3h,
    power_kw: heater.electricKw,
    heat_kw: heater.heatKw,
    compressor_hz: (90 * heater.heatKw) / heater.ratedKw,
    gas_m3: heater.gasM3,
    energy_kwh: heater.energyKwh,
    heat_kwh: heater.heatKwh,
    flame_on: heater.kind === 'gas_boiler' && heater.heatKw > 0,
    power_on: heater.powerOn,
  };
}

function ofMeter(house: House, meter: Meter): Values {
  if (meter.kind === 'gas_meter') {
    const valve = { valve_open: meter.valveOpen, valve_fault: false };
    return { gas_m3: meter.count, flow_m3h: meter.flow, battery_v: meter.batteryV, battery_low: false, ...valve };
  }
  if (meter.kind === 'heat_meter') {
    const water = house.heaters.find(({ kind }) => kind !== 'electric_heater') ?? house.heaters[0];
    const { supplyC, returnC } = water ? waterEnds(water) : { supplyC: house.roomC, returnC: house.roomC };
    const flow = supplyC - returnC > 0.1 ? meter.flow / (1.163 * (supplyC - returnC)) : 0;
    const heat = { heat_kwh: meter.count, power_kw: meter.flow, heat_kw: meter.flow, flow_m3h: flow };
    return { ...heat, supply_c: supplyC, return_c: returnC, battery_low: false };
  }
  // The grid sways a little, and sags under load.
  const voltage = meter.gridV + 1.5 * Math.sin(house.elapsedS / 600) - 0.4 * meter.flow;
  return {
    voltage_v: voltage,
    current_a: (meter.flow * 1_000) / voltage,
    power_kw: meter.flow,
    energy_kwh: meter.count,
    ...ofPhases(voltage, meter.flow),
    frequency_hz: 50 + 0.02 * Math.sin(house.elapsedS / 97),
    power_factor: 0.98,
    power_on: meter.valveOpen,
  };
}

/** Three phases with a third of the load each. */
function ofPhases(voltage: number, flowKw: number): Values {
  const phases = [1, 2, 3].flatMap((n) => [
    [`voltage_l${n}_v`, voltage],
    [`current_l${n}_a`, (flowKw * 1_000) / 3 / voltage],
    [`power_l${n}_kw`, flowKw / 3],
  ]);
  return Object.fromEntries(phases);
}
