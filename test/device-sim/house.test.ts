import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createHouse, type House, step } from '../../device-sim/house.ts';
import { measure } from '../../device-sim/measure.ts';
import { obey } from '../../device-sim/obedience.ts';
import { createRandom } from '../../device-sim/random.ts';
import { createWeather } from '../../device-sim/weather.ts';
import { profileNamed } from './stage.ts';

const hourS = 3_600;

function houseWith(names: readonly string[], seed = 1): House {
  const terminals = names.map((name) => ({ id: name, profile: profileNamed(name) }));
  return createHouse('h1', terminals, -8, createRandom(seed));
}

function shown(house: House, name: string, metric: string): number {
  return Number(measure(house, name, profileNamed(name))[metric]);
}

test.each(['gas-boiler', 'midea-m-thermal', 'electric-heater'])(
  'a house with a %s cools when off and heats when on',
  (name) => {
    const off = obey(houseWith([name]), name, { command: 'power', value: 0 }, 0);
    const cold = step(off, 12 * hourS, -8);
    expect(cold.roomC).toBeLessThan(off.roomC - 2);
    expect(cold.roomC).toBeGreaterThan(-8);
    const warm = step(obey(cold, name, { command: 'power', value: 1 }, 0), 12 * hourS, -8);
    expect(warm.roomC).toBeGreaterThan(cold.roomC + 2);
    expect(warm.roomC).toBeLessThan(24);
  },
);

test('a gas boiler holds its room near the setpoint, flame on and off in turn', () => {
  let house = obey(houseWith(['gas-boiler']), 'gas-boiler', { command: 'setpoint', value: 20 }, 0);
  house = step(house, 12 * hourS, -8);
  const flames = new Set<boolean>();
  for (let minute = 0; minute < 12 * 60; minute += 1) {
    house = step(house, 60, -8);
    flames.add(shown(house, 'gas-boiler', 'flame_on') === 1);
    expect(house.roomC).toBeGreaterThan(18.5);
    expect(house.roomC).toBeLessThan(21.8);
  }
  expect(flames).toEqual(new Set([true, false]));
});

test('a heat pump holds its flow setpoint and needs more electricity per heat in the cold', () => {
  const used = (outdoorC: number): number => {
    const before = step(houseWith(['midea-m-thermal']), 6 * hourS, outdoorC);
    const after = step(before, 6 * hourS, outdoorC);
    const grown = (metric: string): number =>
      shown(after, 'midea-m-thermal', metric) - shown(before, 'midea-m-thermal', metric);
    return grown('heat_kwh') / grown('energy_kwh');
  };
  const house = step(houseWith(['midea-m-thermal']), 6 * hourS, 2);
  expect(shown(house, 'midea-m-thermal', 'supply_c')).toBeCloseTo(shown(house, 'midea-m-thermal', 'setpoint_c'), 0);
  expect(used(5)).toBeGreaterThan(used(-15) + 0.5);
  expect(used(-15)).toBeGreaterThan(1.4);
});

test.each([
  ['gas-boiler', 'gas_m3', 'gas-meter', 'gas_m3'],
  ['midea-m-thermal', 'energy_kwh', 'eastron-sdm120', 'energy_kwh'],
])('the meter beside a %s counts what the heater uses', (heater, used, meter, counted) => {
  const before = houseWith([heater, meter]);
  const after = step(before, 24 * hourS, -8);
  const growth = shown(after, meter, counted) - shown(before, meter, counted);
  expect(growth).toBeGreaterThan(5);
  expect(growth).toBeCloseTo(shown(after, heater, used) - shown(before, heater, used), 1);
});

test('a meter that stands alone still counts', () => {
  for (const [meter, counted] of [
    ['gas-meter', 'gas_m3'],
    ['eastron-sdm120', 'energy_kwh'],
  ] as const) {
    const before = houseWith([meter]);
    expect(shown(step(before, 24 * hourS, -8), meter, counted)).toBeGreaterThan(shown(before, meter, counted) + 5);
  }
});

test('a closed gas valve puts the flame out, and arming alone does not open it', () => {
  const names = ['gas-boiler', 'gas-meter'];
  const closed = step(obey(houseWith(names), 'gas-meter', { command: 'valve', value: 0 }, 0), 6 * hourS, -8);
  expect(shown(closed, 'gas-boiler', 'flame_on')).toBe(0);
  expect(shown(closed, 'gas-meter', 'flow_m3h')).toBe(0);
  expect(shown(closed, 'gas-meter', 'valve_open')).toBe(0);
  const armed = step(obey(closed, 'gas-meter', { command: 'valve', value: 1 }, 8), 7, -8);
  expect(shown(armed, 'gas-meter', 'valve_open')).toBe(0);
  const opened = step(step(armed, 1, -8), 1, -8);
  expect(shown(opened, 'gas-meter', 'valve_open')).toBe(1);
  expect(shown(opened, 'gas-boiler', 'flame_on')).toBe(1);
});

test('closing an armed valve takes the permission back', () => {
  const armed = obey(
    obey(houseWith(['gas-meter']), 'gas-meter', { command: 'valve', value: 0 }, 0),
    'gas-meter',
    { command: 'valve', value: 1 },
    8,
  );
  const closed = obey(armed, 'gas-meter', { command: 'valve', value: 0 }, 0);
  expect(shown(step(closed, hourS, -8), 'gas-meter', 'valve_open')).toBe(0);
});

const happening = fc.record({
  seconds: fc.integer({ min: 1, max: 7_200 }),
  outdoorC: fc.integer({ min: -30, max: 20 }),
  terminal: fc.constantFrom('gas-boiler', 'gas-meter', 'midea-m-thermal', 'eastron-sdm120', 'electric-heater'),
  order: fc.oneof(
    fc.record({ command: fc.constantFrom('power', 'valve'), value: fc.constantFrom(0, 1) }),
    fc.record({ command: fc.constant('setpoint'), value: fc.integer({ min: 5, max: 65 }) }),
  ),
});

const OF_ITS_HOUSE = new Set(
  ['supply', 'return', 'outdoor', 'setpoint']
    .map((what) => `${what}_c`)
    .concat('power_kw', 'energy_kwh', 'heat_kwh', 'power_on'),
);

test('counters never fall and every value stays in its range, whatever happens', () => {
  const names = ['gas-boiler', 'gas-meter', 'midea-m-thermal', 'eastron-sdm120', 'electric-heater'];
  fc.assert(
    fc.property(fc.integer(), fc.array(happening, { maxLength: 40 }), (seed, happenings) => {
      let house = houseWith(names, seed);
      for (const { seconds, outdoorC, terminal, order } of happenings) {
        const next = step(obey(house, terminal, order, 10), seconds, outdoorC);
        for (const name of names) {
          for (const [metric, { kind, ...range }] of Object.entries(profileNamed(name).metrics)) {
            const value = shown(next, name, metric);
            // No house knows of pressures in a heat pump, nor of its tank.
            if (Number.isNaN(value) && name === 'midea-m-thermal' && !OF_ITS_HOUSE.has(metric)) continue;
            if (kind === 'counter') expect(value).toBeGreaterThanOrEqual(shown(house, name, metric));
            // Setpoints here come without the gateway's and the register's check.
            if (!('min' in range) || metric === 'setpoint_c') continue;
            expect(value, `${name} ${metric}`).toBeGreaterThanOrEqual(range.min);
            expect(value, `${name} ${metric}`).toBeLessThanOrEqual(range.max);
          }
        }
        house = next;
      }
    }),
    { numRuns: 50 },
  );
});

test('the same seed gives the same house and the same weather, another seed does not', () => {
  const run = (seed: number): unknown => {
    const weather = createWeather(createRandom(seed));
    let house = houseWith(['gas-boiler', 'gas-meter'], seed);
    for (let hour = 0; hour < 48; hour += 1) house = step(house, hourS, weather(hour * 3_600_000));
    return house;
  };
  expect(run(7)).toEqual(run(7));
  expect(run(7)).not.toEqual(run(8));
});

test('the night is coldest about six o’clock in Shanghai', () => {
  const weather = createWeather(createRandom(3));
  const midnight = Date.parse('2026-01-12T00:00:00+08:00');
  const hours = Array.from({ length: 24 }, (_, hour) => weather(midnight + hour * 3_600_000));
  expect(hours.indexOf(Math.min(...hours.slice(0, 12)))).toBe(6);
  expect(Math.max(...hours)).toBeLessThan(15);
  expect(Math.min(...hours)).toBeGreaterThan(-25);
});
