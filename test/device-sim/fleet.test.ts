import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseFault } from '../../device-sim/faults.ts';
import { type FleetFile, readFleet, sortFleet } from '../../device-sim/fleet.ts';
import { type FleetOptions, startFleet } from '../../device-sim/fleet-run.ts';
import { parseWeather } from '../../src/weather/forecast.ts';
import { hurried, profiles, soon, startBroker, temporaryFolder } from './stage.ts';

function folder(): string {
  const temporary = temporaryFolder();
  onTestFinished(() => temporary[Symbol.asyncDispose]());
  return temporary.path;
}

const home: FleetFile = {
  seed: 4,
  terminals: [
    { id: 'gb1', profile: 'gas-boiler', secret: 's1', house: 'h1' },
    { id: 'gm1', profile: 'gas-meter', secret: 's2', house: 'h1' },
  ],
};

function optionsFor(statePath: string): FleetOptions {
  return {
    fleet: home,
    profiles,
    mqttUrl: 'mqtt://127.0.0.1:9',
    everyS: 60,
    statePath,
    pace: { ...hurried, tickMs: 5 },
  };
}

/** A clock that is a minute further each time it is read. */
function hastyClock(): () => number {
  let atMs = Date.parse('2026-01-12T00:00:00+08:00');
  return () => {
    atMs += 60_000;
    return atMs;
  };
}

test('a fleet that starts again goes on where it was', async () => {
  const statePath = join(folder(), 'deeper', 'state.json');
  const first = await startFleet({ ...optionsFor(statePath), now: hastyClock() });
  const began = Number(first.values('gm1')['gas_m3']);
  await expect.poll(() => Number(first.values('gm1')['gas_m3']), soon).toBeGreaterThan(began + 0.01);
  await first[Symbol.asyncDispose]();
  const left = first.house('h1');

  const second = await startFleet({ ...optionsFor(statePath), now: () => 0 });
  onTestFinished(() => second[Symbol.asyncDispose]());
  expect(second.house('h1')).toEqual(left);
  expect(readdirSync(join(statePath, '..'))).toEqual(['state.json']);
});

test('a command’s effect survives a restart', async () => {
  const statePath = join(folder(), 'state.json');
  const broker = await startBroker();
  onTestFinished(() => broker[Symbol.asyncDispose]());
  const first = await startFleet({ ...optionsFor(statePath), mqttUrl: broker.url });
  await broker.listening('gm1');
  const expiresAt = Date.now() + 60_000;
  broker.say('terminals/gm1/commands', { id: 'c', command: 'valve', value: 'close', expiresAt });
  await expect.poll(() => first.values('gm1')['valve_open'], soon).toBe(false);
  await first[Symbol.asyncDispose]();
  const second = await startFleet(optionsFor(statePath));
  onTestFinished(() => second[Symbol.asyncDispose]());
  expect(second.values('gm1')['valve_open']).toBe(false);
});

test('a damaged state file is said, not overwritten', async () => {
  const statePath = join(folder(), 'state.json');
  writeFileSync(statePath, '{"houses":[{');
  await expect(startFleet(optionsFor(statePath))).rejects.toThrow(/state file .* is damaged/);
  expect(readFileSync(statePath, 'utf8')).toBe('{"houses":[{');
});

test('a terminal that joins later leaves its neighbours as they were', async () => {
  const statePath = join(folder(), 'state.json');
  const [boiler] = home.terminals;
  const first = await startFleet({ ...optionsFor(statePath), fleet: { seed: 4, terminals: boiler ? [boiler] : [] } });
  await first[Symbol.asyncDispose]();
  const second = await startFleet(optionsFor(statePath));
  onTestFinished(() => second[Symbol.asyncDispose]());
  expect(second.values('gb1')['gas_m3']).toBe(first.values('gb1')['gas_m3']);
  expect(second.values('gm1')['valve_open']).toBe(true);
});

test.each([
  ['terminal a: no profile kettle', [{ id: 'a', profile: 'kettle', secret: 's', house: 'h' }]],
  ['terminal a: an MQTT terminal has a secret', [{ id: 'a', profile: 'gas-meter', house: 'h' }]],
  ['terminal a: a Modbus terminal has line and unit', [{ id: 'a', profile: 'eastron-sdm120', unit: 1, house: 'h' }]],
  [
    'terminal a stands twice',
    [
      { id: 'a', profile: 'gas-meter', secret: 's', house: 'h' },
      { id: 'a', profile: 'gas-meter', secret: 's', house: 'i' },
    ],
  ],
])('a fleet that does not fit is refused: %s', (message, terminals) => {
  expect(() => sortFleet({ seed: 1, terminals }, profiles)).toThrow(message);
});

test('a fleet file is refused with the place that is wrong', () => {
  const file = join(folder(), 'fleet.json');
  writeFileSync(
    file,
    JSON.stringify({ seed: 1, terminals: [{ id: 'a b', profile: 'gas-meter', house: 'h', colour: 1 }] }),
  );
  expect(() => readFleet(file)).toThrow(/terminals\[0\]/);
});

test.each([
  ['drop=0.01', { kind: 'drop', probability: 0.01, seconds: 0 }],
  ['delay=0.01:20', { kind: 'delay', probability: 0.01, seconds: 20 }],
  ['clock=1:-60', { kind: 'clock', probability: 1, seconds: -60 }],
])('the fault %s is understood', (text, fault) => {
  expect(parseFault(text)).toEqual(fault);
});

test.each(['drop', 'drop=2', 'fire=0.1', 'delay=0.1:-5', 'toString=1', 'drop=.'])('the fault %s is refused', (text) => {
  expect(() => parseFault(text)).toThrow(`fault “${text}”`);
});

test('a gateway can read the weather of the village: now, and the coldest of the next day', async () => {
  const weatherPath = join(folder(), 'weather.json');
  const now = Date.parse('2026-01-12T15:00:00+08:00');
  await using fleet = await startFleet({ ...optionsFor(join(folder(), 'state.json')), weatherPath, now: () => now });
  expect(fleet.counts().mqttTerminals).toBe(2);
  const said = parseWeather(readFileSync(weatherPath, 'utf8')).get('');
  expect(said?.time).toBe(now);
  // A northern January: the night is colder than the warmest hour of the day.
  expect(said?.outdoorC).toBeLessThan(15);
  expect(said?.forecastMinC(now)).toBeLessThan((said?.outdoorC ?? 0) - 3);
});
