import { createFaults, type Faults } from '../../device-sim/faults.ts';
import type { Values } from '../../device-sim/measure.ts';
import type { LineParts, LineUnit } from '../../device-sim/modbus-line.ts';
import { createModbusUnit } from '../../device-sim/modbus-unit.ts';
import { createRandom } from '../../device-sim/random.ts';
import { createTimers } from '../../device-sim/timers.ts';
import { type Profile, parseProfile } from '../../src/terminals/profile.ts';

/** Simulated units with values that a test gives, on whatever line. */

export type ModbusProfile = Profile & { poll: NonNullable<Profile['poll']> };

/**
 * Two values that are read one by one, with answers of the same length: what a late answer could most easily be taken for. `flag_on` is
 * a coil.
 */
export const TWINS = `
profile: twins
title: { zh: 双, en: Twins }
kind: heat_pump
source: a test
protocol: modbus
offlineAfterS: 300
poll: { everyS: 60, readable: [[0, 0], [100, 100], [7, 7]], timeoutMs: 150 }
metrics:
  supply_c: { kind: gauge, min: 0, max: 60000, from: { holding: 0 }, title: { zh: 供, en: Supply } }
  return_c: { kind: gauge, min: 0, max: 60000, from: { holding: 100 }, title: { zh: 回, en: Return } }
  setpoint_c: { kind: gauge, min: 0, max: 60000, from: { holding: 7 }, title: { zh: 设, en: Setpoint } }
commands:
  setpoint:
    { range: { min: 5, max: 90, step: 1 }, to: { holding: 7 }, confirm: setpoint_c, timeoutS: 60, title: { zh: 设, en: Set } }
examples:
  - { frame: { holding: { 0: 1, 100: 2 } }, values: { supply_c: 1, return_c: 2 } }
`;

export function profileOf(text: string): ModbusProfile {
  const profile = parseProfile(text, 'test.yaml');
  const { poll } = profile;
  if (!poll) throw new Error('no Modbus profile');
  return { ...profile, poll };
}

export interface Device {
  unit: number;
  profile: Profile;
  values: () => Values;
}

export function simulate(devices: Device[], more: Partial<LineParts> = {}) {
  const timers = createTimers();
  const orders: { unit: number; command: string; value: string | number }[] = [];
  const units = new Map<number, LineUnit>();
  const faults = new Map<number, Faults>();
  for (const { unit, profile, values } of devices) {
    const troubles = createFaults([], createRandom(unit));
    faults.set(unit, troubles);
    const answer = createModbusUnit({
      profile,
      values,
      refuses: () => false,
      obey(given, done) {
        for (const { command, value } of given) orders.push({ unit, command, value });
        done();
      },
    });
    units.set(unit, { answer, faults: troubles });
  }
  const parts: LineParts = { units, timers, now: Date.now, onAnswered: () => undefined, ...more };
  return {
    parts,
    orders,
    faults: (unit: number) => faults.get(unit),

    stop: () => timers.stop(),
  };
}
