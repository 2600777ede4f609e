import { join } from 'node:path';
import { createFaults, type FaultKind, type Faults } from '../../device-sim/faults.ts';
import type { Values } from '../../device-sim/measure.ts';
import { createMeter188 } from '../../device-sim/meter-188.ts';
import { createMeter645, type MeterDevice } from '../../device-sim/meter-645.ts';
import type { MeterRequest } from '../../device-sim/meter-codec.ts';
import type { LineMeter } from '../../device-sim/meter-line.ts';
import type { LineParts } from '../../device-sim/modbus-line.ts';
import type { Order } from '../../device-sim/obedience.ts';
import { createRandom } from '../../device-sim/random.ts';
import { createTimers } from '../../device-sim/timers.ts';
import { projectRoot } from '../../src/config.ts';
import { loadProfiles, type Profile } from '../../src/terminals/profile.ts';

/** Simulated meters with values that a test gives, on whatever line. */

const profiles = loadProfiles(join(projectRoot, 'config/profiles'));

export function profileNamed(name: string): Profile {
  const profile = profiles.get(name);
  if (!profile) throw new Error(`no profile ${name}`);
  return profile;
}

export const PASSWORD = '246801';

export interface TestMeter {
  number: string;
  profile: Profile;
  values: () => Values;
  /** Orders of identifier bytes that a CJ/T 188 meter takes. */
  knows?: string[];
  /** What it does as told; the test changes what `values` gives. */
  obey?: (order: Order) => void;
  refuses?: () => boolean;
}

interface Asked {
  number: string;
  control: number;
  data: string;
}

export function simulateMeters(given: readonly TestMeter[], more: Partial<LineParts> = {}) {
  const timers = createTimers();
  const meters = new Map<string, LineMeter>();
  const faults = new Map<string, Faults>();
  const asked: Asked[] = [];
  const orders: (Order & { number: string })[] = [];
  for (const { number, profile, values, obey, refuses = () => false, knows } of given) {
    const device = (profile.cjt188 ? createMeter188 : createMeter645)({
      profile,
      number,
      values,
      refuses,
      now: Date.now,
      password: PASSWORD,
      obey(order) {
        orders.push({ number, ...order });
        obey?.(order);
      },
      ...(knows && { knows }),
    });
    const noting: MeterDevice = {
      ...device,
      answer(request: MeterRequest) {
        asked.push({ number, control: request.control, data: request.data.toString('hex').toUpperCase() });
        return device.answer(request);
      },
    };
    const its = createFaults([], createRandom(1));
    meters.set(number, { device: noting, faults: its });
    faults.set(number, its);
  }
  const parts: LineParts = {
    units: new Map(),
    meters,
    timers,
    now: Date.now,
    onAnswered: () => undefined,
    ...more,
  };
  return {
    parts,
    asked,
    orders,
    fault: (number: string, kind: FaultKind, seconds?: number) => faults.get(number)?.force(kind, seconds),
    [Symbol.dispose]: () => timers.stop(),
  };
}
