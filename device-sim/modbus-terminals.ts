import { createFaults, type Fault, type Faults } from './faults.ts';
import { type Line, type ModbusTerminal, nameOf } from './fleet.ts';
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

/** One server, DTU or serial port for each distinct line, with all its units. */
export async function startModbusTerminals(
  terminals: readonly ModbusTerminal[],
  around: ModbusSurroundings,
  random: Random,
): Promise<ModbusTerminals> {
  await using opened = new AsyncDisposableStack();
  const faults = new Map<string, Faults>();
  for (const group of Map.groupBy(terminals, ({ line }) => nameOf(line)).values()) {
    const units = new Map<number, LineUnit>();
    for (const terminal of group) {
      const unit = createLineUnit(terminal, around, random.fork(terminal.id));
      units.set(terminal.unit, unit);
      faults.set(terminal.id, unit.faults);
    }
    for (const { line } of group.slice(0, 1)) opened.use(await startLine(line, units, around));
  }
  const lines = opened.move();
  return { faultsOf: (id) => faults.get(id), [Symbol.asyncDispose]: () => lines.disposeAsync() };
}

async function startLine(
  line: Line,
  units: ReadonlyMap<number, LineUnit>,
  { timers, now, onAnswered }: ModbusSurroundings,
): Promise<AsyncDisposable> {
  const parts: LineParts = { units, timers, now, onAnswered };
  if ('serial' in line) return openSerialLine(line, parts);
  return 'listen' in line ? startDtu(line, parts) : startModbusLine(line, parts);
}

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
