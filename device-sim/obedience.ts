import type { CommandDefinition } from '../src/terminals/profile.ts';
import type { Heater } from './heaters.ts';
import type { House } from './house.ts';
import type { Meter } from './meters.ts';

/** A command as the device understands it: the number that the confirming metric is to show. */
export interface Order {
  readonly command: string;
  readonly value: number;
}

/** The number a command's value stands for, or undefined where the device does not take it. */
export function understand(definition: CommandDefinition, value: string | number | boolean): number | undefined {
  if (definition.values) {
    const { values } = definition;
    if (typeof value === 'string') return Object.hasOwn(values, value) ? values[value] : undefined;
    return Object.values(values).find((known) => known === Number(value));
  }
  const { range } = definition;
  return range && typeof value === 'number' && value >= range.min && value <= range.max ? value : undefined;
}

/** The house after its terminal did as told. What the terminal cannot do changes nothing. */
export function obey(house: House, terminal: string, order: Order, keyInS: number): House {
  return {
    ...house,
    heaters: house.heaters.map((heater) => (heater.id === terminal ? turned(heater, order) : heater)),
    meters: house.meters.map((meter) => (meter.id === terminal ? valved(meter, order, keyInS) : meter)),
  };
}

function turned(heater: Heater, { command, value }: Order): Heater {
  if (command === 'power') return { ...heater, powerOn: value === 1 };
  if (command !== 'setpoint') return heater;
  return heater.holds === 'room' ? { ...heater, roomTargetC: value } : { ...heater, flowTargetC: value };
}

/** A relay switches, and closing a valve is at once. Arming only allows: a person opens the valve. */
function valved(meter: Meter, { command, value }: Order, keyInS: number): Meter {
  if (command === 'power' && meter.kind === 'electricity_meter') return { ...meter, valveOpen: value === 1 };
  if (command !== 'valve' || meter.kind !== 'gas_meter') return meter;
  if (value === 0) return { ...meter, valveOpen: false, keyInS: null };
  return meter.valveOpen ? meter : { ...meter, keyInS: meter.keyInS ?? keyInS };
}
