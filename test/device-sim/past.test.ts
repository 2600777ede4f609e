import { expect, onTestFinished, test } from 'vitest';
import { startFleet } from '../../device-sim/fleet-run.ts';
import { createHouse } from '../../device-sim/house.ts';
import { createPast } from '../../device-sim/past.ts';
import { createRandom } from '../../device-sim/random.ts';
import { hurried, profileNamed, profiles, startBroker } from './stage.ts';

/** What houses used before they begin. */

const DAY = 86_400_000;
const NOW = Date.parse('2026-11-26T15:30:00+08:00');
const gasMeter = profileNamed('gas-meter');

function past(days: number) {
  const random = createRandom('a year');
  const house = createHouse('h1', [{ id: 'gm1', profile: gasMeter }], -3, random.fork('house'));
  return { house, ...{ lived: createPast(house, days, { atMs: NOW, random }) } };
}

test('a counter rises all through the past, by more in winter than in summer, up to where the house begins', () => {
  const { lived } = past(400);
  const readings = lived.readingsOf('gm1', gasMeter);
  const values = readings.map(({ values }) => Number(values['gas_m3']));
  expect(values.toSorted((a, b) => a - b)).toEqual(values);
  expect(values.at(-1)).toBeLessThanOrEqual(lived.house.meters[0]?.count ?? 0);
  expect(readings.map(({ time }) => time)).toEqual(readings.map(({ time }) => time).toSorted((a, b) => a - b));
  expect(NOW - (readings[0]?.time ?? 0)).toBeGreaterThan(399 * DAY);
  const used = (from: string, to: string): number => {
    const own = readings.filter(({ time }) => time >= Date.parse(from) && time < Date.parse(to));
    return Number(own.at(-1)?.values['gas_m3']) - Number(own[0]?.values['gas_m3']);
  };
  expect(used('2026-01-01', '2026-02-01')).toBeGreaterThan(150);
  expect(used('2026-07-01', '2026-08-01')).toBeLessThan(20);
});

test('the last two weeks are told by the hour', () => {
  const { lived } = past(400);
  const recent = lived.readingsOf('gm1', gasMeter).filter(({ time }) => time > NOW - 10 * DAY);
  const gaps = recent.slice(1).map(({ time }, index) => time - (recent[index]?.time ?? 0));
  expect(Math.max(...gaps)).toBeLessThan(2 * 3_600_000);
});

test('without a past a house is as it was, and nothing is told', () => {
  const { house, lived } = past(0);
  expect(lived.house).toEqual(house);
  expect(lived.readingsOf('gm1', gasMeter)).toEqual([]);
});

test('a terminal sends its past before what it shows now', async () => {
  const broker = await startBroker();
  onTestFinished(() => broker[Symbol.asyncDispose]());
  const terminals = [{ id: 'gm1', profile: 'gas-meter', secret: 's', house: 'h1' }];
  const fleet = await startFleet({
    fleet: { seed: 4, terminals },
    profiles,
    mqttUrl: broker.url,
    everyS: 60,
    pastDays: 30,
    pace: { ...hurried },
  });
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  const { payload } = await broker.hear(({ topic }) => topic === 'terminals/gm1/readings');
  expect(payload).toBeInstanceOf(Array);
  const last = JSON.parse(JSON.stringify(payload)).at(-1);
  expect(last.values.gas_m3).toBeLessThanOrEqual(Number(fleet.values('gm1')['gas_m3']));
});
