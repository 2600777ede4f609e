import { expect, test } from 'vitest';
import { attend } from '../../device-sim/modbus-line.ts';
import { createLine } from '../../src/lines/line.ts';
import type { OpenPort } from '../../src/lines/port.ts';
import { createUnit, type PollResult } from '../../src/modbus/unit.ts';
import { heldClock } from '../helpers/clock.ts';
import { profileOf, simulate } from './devices.ts';

/** What becomes of registers that a device does not know. */

const gauge = (address: number) =>
  `{ kind: gauge, min: 0, max: 100, from: { holding: ${address} }, title: { zh: 值, en: Value } }`;
const FIVE = profileOf(`
profile: five
title: { zh: 五, en: Five }
kind: heat_pump
source: a test
protocol: modbus
offlineAfterS: 300
poll: { everyS: 60, readable: [[0, 4]], timeoutMs: 500 }
metrics: { supply_c: ${gauge(0)}, return_c: ${gauge(1)}, outdoor_c: ${gauge(2)}, room_c: ${gauge(3)}, setpoint_c: ${gauge(4)} }
examples: [{ frame: { holding: { 0: 1 } }, values: { supply_c: 1 } }]
`);
const VALUES = { supply_c: 1, return_c: 2, outdoor_c: 3, room_c: 4, setpoint_c: 5 };
const DAY_MS = 86_400_000;

/** A unit of which the profile says that 0 to 4 can be read, and the device knows only what `readable` says. */
function startScene(readable: [number, number][]) {
  const clock = heldClock();
  const known = { ...FIVE, poll: { ...FIVE.poll, readable } };
  const device = simulate([{ unit: 1, profile: known, values: () => VALUES }]);
  const asked: string[] = [];
  const open: OpenPort = async (events) => {
    const write = (bytes: Buffer) => void clock.after(5, () => events.heard(bytes));
    const hear = attend({ write, close: () => undefined }, 'rtu', device.parts);
    return {
      write(bytes) {
        asked.push(`${bytes.readUInt16BE(2)}+${bytes.readUInt16BE(4)}`);
        hear(bytes);
      },
      close: () => events.ended('closed'),
    };
  };
  const line = createLine({ name: 'line', framing: 'rtu', open, clock, gapMs: 5, byteMs: 0, heartbeats: [] });
  const refused: string[] = [];
  const unit = createUnit({
    ...{ line, unit: 1, profile: FIVE, clock, periodMs: 60_000 },
    ...{ silentUnits: () => 1, onBack: () => undefined, onRefused: (what: string) => void refused.push(what) },
  });
  return {
    refused,
    unit,
    clock,
    device,
    /** What a poll asks for, and the registers that it brings. */
    async poll() {
      asked.length = 0;
      let done: PollResult | undefined;
      void unit.poll().then((polled) => {
        done = polled;
      });
      while (!done) await clock.advance(100);
      const { frame } = done;
      return { asked: [...asked], got: [...frame.holding.keys()] };
    },
  };
}

test('a register that the device does not know is left out for a day, and the others are read, each alone', async () => {
  const { poll, refused, clock } = startScene([
    [0, 1],
    [3, 4],
  ]);
  expect(await poll()).toEqual({ asked: ['0+5', '0+1', '1+1', '2+1', '3+1', '4+1'], got: [0, 1, 3, 4] });
  expect(await poll()).toEqual({ asked: ['0+1', '1+1', '2+1', '3+1', '4+1'], got: [0, 1, 3, 4] });
  for (let i = 0; i < 3; i += 1)
    expect(await poll()).toEqual({ asked: ['0+1', '1+1', '3+1', '4+1'], got: [0, 1, 3, 4] });
  expect(refused).toEqual(['holding 2+1']);
  await clock.advance(DAY_MS);
  expect((await poll()).asked).toContain('2+1');
});

test('a gap that the profile does not know of costs only more requests', async () => {
  const { poll, unit } = startScene([
    [0, 2],
    [3, 4],
  ]);
  for (let i = 0; i < 3; i += 1) expect((await poll()).got).toEqual([0, 1, 2, 3, 4]);
  expect(unit.leftOut()).toEqual([]);
});

test('a device that refuses everything while it starts up is read as soon as it knows its registers', async () => {
  const { poll, unit, device } = startScene([[0, 4]]);
  for (let i = 0; i < 24; i += 1) device.faults(1)?.force('exception', 2);
  for (let i = 0; i < 4; i += 1) expect((await poll()).got).toEqual([]);
  expect((await poll()).got).toEqual([0, 1, 2, 3, 4]);
  expect(unit.leftOut()).toEqual([]);
  expect(unit.breaker.isOpen()).toBe(false);
});
