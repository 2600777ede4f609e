import type { Line } from '../lines/line.ts';
import { MOST_READ, ModbusException, type ReadRequest, type Table } from '../modbus/codec.ts';
import { modbusQuestion } from '../modbus/question.ts';
import { type Sentence, unitTrouble } from './field-error.ts';

/** Reads ranges of registers raw. What a device refuses together is read in halves, so that what it refuses is known to the register. */

export interface Range {
  table: Table;
  addresses: number[];
}

export interface RawRead {
  words: Record<Table, Map<number, number>>;
  /** Reads that the device refused, down to what it refuses alone. */
  refused: { table: Table; address: number; count: number; reason: Sentence }[];
}

/** The runs of neighbours, none longer than a request may be. */
function runsOf({ table, addresses }: Range): ReadRequest[] {
  const runs: ReadRequest[] = [];
  for (const address of addresses) {
    const last = runs.at(-1);
    const joins = last && last.address + last.count === address && last.count < MOST_READ[table];
    if (joins) last.count += 1;
    else runs.push({ table, address, count: 1 });
  }
  return runs;
}

/** Such refusals depend on which registers are asked together; the others would be the same for each. */
const dependsOnRange = ({ exceptionCode }: ModbusException): boolean => exceptionCode === 2 || exceptionCode === 3;

/** Rejects with whatever else than a refusal goes wrong. */
export async function readRanges(line: Line, unit: number, ranges: Range[], timeoutMs: number): Promise<RawRead> {
  const words: RawRead['words'] = { holding: new Map(), input: new Map(), coil: new Map(), discrete: new Map() };
  const refused: RawRead['refused'] = [];
  const options = { timeoutMs, probes: [], record: () => undefined };

  async function read(request: ReadRequest): Promise<void> {
    const { table, address, count } = request;
    try {
      const values = await line.read(unit, modbusQuestion(unit, request), options);
      for (const [i, value] of values.entries()) words[table].set(address + i, value);
    } catch (error) {
      if (!(error instanceof ModbusException)) throw error;
      if (count === 1 || !dependsOnRange(error)) {
        refused.push({ table, address, count, reason: unitTrouble(error) });
        return;
      }
      const half = Math.ceil(count / 2);
      await read({ table, address, count: half });
      await read({ table, address: address + half, count: count - half });
    }
  }

  for (const range of ranges) for (const run of runsOf(range)) await read(run);
  return { words, refused };
}
