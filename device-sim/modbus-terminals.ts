import { createFaults, type Fault, type Faults } from './faults.ts';
import { type Line, type MeterTerminal, type ModbusTerminal, nameOf } from './fleet.ts';
import { createMeter188 } from './meter-188.ts';
import { createMeter645, type MeterDevice } from './meter-645.ts';
import type { LineMeter } from './meter-line.ts';
import type { LineParts, LineUnit } from './modbus-line.ts';
import { openSerialLine } from './modbus-serial.ts';
import { startDtu, startModbusLine } from './modbus-server.ts';
import { createModbusUnit } from './modbus-unit.ts';
import type { Pace } from './pace.ts';
import type { Random } from './random.ts';
import type { Timers } from './timers.ts';
import type { Village } from './village.ts';

/** What all Modbus terminals of a fleet have in common. */
export interface ModbusSurroundings {
  readonly village: Village;
  readonly faults: readonly Fault[];
  readonly refuse: number;
  readonly pace: Pace;
  readonly timers: Timers;
  readonly now: () => number;
  readonly onAnswered: () => void;
  readonly onObeyed: () => void;
}

export interface ModbusTerminals extends AsyncDisposable {
  faultsOf(terminal: string): Faults | undefined;
}

/** One server, DTU or serial port for each distinct line, with all its units and meters. */
export async function startLineTerminals(
  terminals: readonly (ModbusTerminal | MeterTerminal)[],
  around: ModbusSurroundings,
  random: Random,
): Promise<ModbusTerminals> {
  await using opened = new AsyncDisposableStack();
  const faults = new Map<string, Faults>();
  for (const group of Map.groupBy(terminals, ({ line }) => nameOf(line)).values()) {
    const units = new Map<number, LineUnit>();
    const meters = new Map<string, LineMeter>();
    for (const terminal of group) {
      const its = random.fork(terminal.id);
      const created =
        'unit' in terminal ? createLineUnit(terminal, around, its) : createLineMeter(terminal, around, its);
      if ('unit' in terminal && 'answer' in created) units.set(terminal.unit, created);
      if ('meter' in terminal && 'device' in created) meters.set(terminal.meter.number, created);
      faults.set(terminal.id, created.faults);
    }
    for (const { line } of group.slice(0, 1)) opened.use(await startLine(line, { units, meters }, around));
  }
  const lines = opened.move();
  return { faultsOf: (id) => faults.get(id), [Symbol.asyncDispose]: () => lines.disposeAsync() };
}

async function startLine(
  line: Line,
  devices: Pick<LineParts, 'units' | 'meters'>,
  { timers, now, onAnswered }: ModbusSurroundings,
): Promise<AsyncDisposable> {
  const parts: LineParts = { ...devices, timers, now, onAnswered };
  if ('serial' in line) return openSerialLine(line, parts);
  if ('listen' in line) return startDtu(line, parts);
  // Meters speak on the line as it is.
  return startModbusLine(devices.meters?.size ? { ...line, framing: 'rtu' } : line, parts);
}

/** A meter, however its frames travel. */
export function createMeterDevice(
  { id, profile, meter }: Pick<MeterTerminal, 'id' | 'profile' | 'meter'>,
  around: Pick<ModbusSurroundings, 'village' | 'pace' | 'timers' | 'now' | 'refuse' | 'onObeyed'>,
  random: Random,
): MeterDevice {
  const { village, pace, timers, now } = around;
  return (profile.cjt188 ? createMeter188 : createMeter645)({
    profile,
    ...meter,
    now,
    values: () => village.values(id),
    refuses: () => random.chance(around.refuse),
    obey(order) {
      timers.after(random.between(...pace.obeyMs), () => {
        village.obey(id, order, random.between(...pace.keyS));
        around.onObeyed();
      });
    },
  });
}

const createLineMeter = (terminal: MeterTerminal, around: ModbusSurroundings, random: Random): LineMeter => ({
  device: createMeterDevice(terminal, around, random),
  faults: createFaults(around.faults, random.fork('faults')),
});

function createLineUnit({ id, profile }: ModbusTerminal, around: ModbusSurroundings, random: Random): LineUnit {
  const { village, pace, timers } = around;
  const answer = createModbusUnit({
    profile,
    values: () => village.values(id),
    refuses: () => random.chance(around.refuse),
    obey(orders, done) {
      timers.after(random.between(...pace.obeyMs), () => {
        for (const order of orders) village.obey(id, order, random.between(...pace.keyS));
        around.onObeyed();
        done();
      });
    },
  });
  return { answer, faults: createFaults(around.faults, random.fork('faults')) };
}
