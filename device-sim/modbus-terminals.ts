import { createFaults, type Fault, type Faults } from './faults.ts';
import type { ModbusTerminal } from './fleet.ts';
import { type LineUnit, type ModbusLine, startModbusLine } from './modbus-server.ts';
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

/** One server for each distinct line, with all its units. */
export async function startModbusTerminals(
  terminals: readonly ModbusTerminal[],
  around: ModbusSurroundings,
  random: Random,
): Promise<ModbusTerminals> {
  await using opened = new AsyncDisposableStack();
  const faults = new Map<string, Faults>();
  for (const group of Map.groupBy(terminals, ({ line }) => `${line.host}:${line.port}`).values()) {
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

function startLine(
  line: ModbusTerminal['line'],
  units: ReadonlyMap<number, LineUnit>,
  { timers, now, onAnswered }: ModbusSurroundings,
): Promise<ModbusLine> {
  return startModbusLine({ line, units, timers, now, onAnswered });
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
