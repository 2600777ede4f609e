import { describe, expect, onTestFinished, test } from 'vitest';
import type { FaultKind } from '../../device-sim/faults.ts';
import { startDtu, startModbusLine } from '../../device-sim/modbus-server.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { createDialIn } from '../../src/lines/dial-in.ts';
import { createLines, WAYS as REAL } from '../../src/lines/lines.ts';
import { createUnit } from '../../src/modbus/unit.ts';
import { decodeRegisters } from '../../src/terminals/decode.ts';
import type { Line } from '../../src/terminals/lines.ts';
import { eventually } from '../helpers/temp.ts';
import { profileOf, simulate, TWINS } from './devices.ts';

/** Real sockets, a simulator that misbehaves when it is told to, and what a person would then see: the right value or an error. */

const profile = profileOf(TWINS);
const clock = systemClock;

/** Values that name their unit, their metric and when they were read: anything else's is seen at once. */
function createTruth() {
  let round = 0;
  return {
    next: () => void round++,
    of: (unit: number) => ({
      supply_c: unit * 10_000 + 1_000 + round,
      return_c: unit * 10_000 + 2_000 + round,
      setpoint_c: 20,
    }),
  };
}

/** A DTU's heartbeats come far more often than in the field, so that some come within an answer's time. */
const BEAT_MS = 37;

type Way = 'tcp' | 'rtu' | 'dtu';

async function startScene(way: Way, line: Partial<Record<'heartbeat', string>> = {}) {
  const stack = new AsyncDisposableStack();
  onTestFinished(() => stack.disposeAsync());
  const truth = createTruth();
  const devices = simulate([1, 2].map((unit) => ({ unit, profile, values: () => truth.of(unit) })));
  stack.defer(devices.stop);
  const log = createLog('silent');
  const dialIn = stack.use(createDialIn({ host: '127.0.0.1', connections: 10, registrationMs: 1_000, clock, log }));
  const lines = stack.use(createLines({ dialIn, clock, onUp: () => undefined, closing: () => undefined, ways: REAL }));
  const port = await freePort();
  let address: Line;
  if (way === 'dtu') address = { listen: port, registration: 'HG-1', ...line };
  else {
    const framing = way;
    const server = stack.use(await startModbusLine({ host: '127.0.0.1', port: 0, framing }, devices.parts));
    address = { host: '127.0.0.1', port: server.port, framing };
  }
  const opened = lines.of(address);
  let beats = 0;
  if (way === 'dtu') {
    const { timers } = devices.parts;
    const often = {
      ...timers,
      every: (_ms: number, act: () => void) =>
        timers.every(BEAT_MS, () => {
          // Not while its registration is still being heard.
          if (!opened.state().isUp) return;
          beats += 1;
          act();
        }),
    };
    const dtu = { listen: port, registration: 'HG-1', gateway: '127.0.0.1', ...line };
    stack.use(await startDtu(dtu, { ...devices.parts, timers: often }));
    await eventually(() => opened.state().isUp);
  }
  const units = new Map(
    [1, 2].map((unit) => [
      unit,
      createUnit({
        line: opened,
        unit,
        profile,
        clock,
        periodMs: 1,
        silentUnits: () => 1,
        onBack: () => undefined,
        onRefused: () => undefined,
      }),
    ]),
  );
  return {
    line: opened,
    truth,
    devices,
    beats: () => beats,
    /** Polls a unit. What comes must be true; gives whether everything did. */
    async poll(unit: number): Promise<boolean> {
      truth.next();
      const { frame } = (await units.get(unit)?.poll()) ?? {};
      if (!frame) throw new Error(`no unit ${unit}`);
      const [reading] = decodeRegisters(profile, frame, Date.now()).readings;
      if (reading) expect(truth.of(unit)).toMatchObject(reading.values);
      return Object.keys(reading?.values ?? {}).length === 3;
    },
    unit: (unit: number) => units.get(unit),
  };
}

const WAYS: Way[] = ['tcp', 'rtu', 'dtu'];
const ONCE: [FaultKind, number?][] = [
  ['delay', 0.2],
  ['delay', 0.32],
  ['drop'],
  ['unit'],
  ['function'],
  ['truncate'],
  ['lie'],
  ['glue'],
  ['noise'],
  ['echo'],
  ['exception', 4],
  ['exception', 2],
  ['exception', 6],
  ['exception', 11],
];

describe.each(WAYS)('over %s', (way) => {
  test.each(ONCE)('after %s %s the next poll is right, and its neighbour’s too', async (kind, seconds) => {
    const scene = await startScene(way);
    expect(await scene.poll(1)).toBe(true);
    scene.devices.faults(1)?.force(kind, seconds);
    await scene.poll(1);
    const neighbour = await scene.poll(2);
    const again = await scene.poll(1);
    expect([neighbour || (await scene.poll(2)), again || (await scene.poll(1))]).toEqual([true, true]);
    for (let i = 0; i < 3; i += 1) expect([await scene.poll(1), await scene.poll(2)]).toEqual([true, true]);
  });

  test('every other answer late never gives a value of the request before', async () => {
    const scene = await startScene(way);
    let whole = 0;
    for (let i = 0; i < 12; i += 1) {
      if (i % 2 === 0) scene.devices.faults(1)?.force('delay', 0.155 + (i % 5) * 0.03);
      if (await scene.poll(1)) whole += 1;
      if (await scene.poll(2)) whole += 1;
    }
    expect(whole).toBeGreaterThanOrEqual(9);
  });

  test('a connection that says nothing any more is given up', async () => {
    const scene = await startScene(way);
    expect(await scene.poll(1)).toBe(true);
    scene.devices.faults(1)?.force('halfopen');
    const before = scene.line.state().connects;
    for (let i = 0; i < 3; i += 1) expect(await scene.poll(1)).toBe(false);
    await eventually(async () => (await scene.poll(2)) && scene.line.state().connects > before, 10_000);
  });
});

test.each([1, 2, 3, 4, 5, 6, 8, 10, 11])('exception %i is told by its number', async (code) => {
  const scene = await startScene('tcp');
  for (let i = 0; i < 20; i += 1) scene.devices.faults(1)?.force('exception', code);
  await scene.poll(1);
  const number = code.toString(16).padStart(2, '0').toUpperCase();
  expect(scene.unit(1)?.figures.state().lastError?.text).toContain(`Modbus exception ${number}`);
});

test('a busy device is asked again within the same poll', async () => {
  const scene = await startScene('rtu');
  for (let i = 0; i < 2; i += 1) scene.devices.faults(1)?.force('exception', 6);
  expect(await scene.poll(1)).toBe(true);
});

test('an adapter that gives every request back is learnt, and its echo is no answer to a write', async () => {
  const scene = await startScene('rtu');
  const faults = scene.devices.faults(1);
  const echo = () => faults?.force('echo');
  for (let i = 0; i < 3; i += 1) echo();
  expect(await scene.poll(1)).toBe(true);
  expect(scene.line.state().echoes).toBe(true);
  // The echo comes, and the device itself is silent: only its own answer counts.
  const target = {
    table: 'holding' as const,
    address: 7,
    many: false,
    readFirst: 0,
    values: () => [40],
    readBack: undefined,
  };
  echo();
  expect(await scene.unit(1)?.write(target, async () => true)).toEqual({});
  expect(scene.devices.orders).toEqual([{ unit: 1, command: 'setpoint', value: 40 }]);
  faults?.force('truncate');
  await expect(scene.unit(1)?.write(target, async () => true)).rejects.toThrow('did not answer');
});

test('heartbeats of a DTU between requests and before their answers cost nothing', async () => {
  const scene = await startScene('dtu', { heartbeat: 'hex:FE FE' });
  while (scene.beats() < 20) {
    scene.devices.faults(1)?.force('delay', 0.06);
    expect(await scene.poll(1)).toBe(true);
  }
  expect(scene.line.state().noiseBytes).toBe(0);
});
