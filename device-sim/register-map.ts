import type { CommandDefinition, Profile, Register } from '../src/terminals/profile.ts';
import type { Values } from './measure.ts';
import { decodeValue, encodeValue, type Words, widthOf } from './modbus-codec.ts';
import { type Order, understand } from './obedience.ts';

export type Table = 'holding' | 'input' | 'coil' | 'discrete';
/** What can be written. */
export type WritableTable = 'holding' | 'coil';

interface WritableCommand {
  readonly name: string;
  readonly definition: CommandDefinition;
  readonly register: Register;
  readonly address: number;
  readonly table: WritableTable;
}

/** Whether a device of this type answers for this stretch of registers. */
export function readable(profile: Profile, address: number, count: number): boolean {
  const last = address + count - 1;
  return (profile.poll?.readable ?? []).some(([from, to]) => from <= address && last <= to);
}

export function hasTable(profile: Profile, table: Table): boolean {
  return Object.values(profile.metrics).some(({ from }) => from?.[table] !== undefined);
}

/** One table of a terminal as its values stand. What the profile does not name is 0. */
export function wordsOf(profile: Profile, table: Table, values: Values): Words {
  const words: Words = new Map();
  for (const [name, { from }] of Object.entries(profile.metrics)) {
    const address = from?.[table];
    if (!from || address === undefined) continue;
    const value = values[name];
    const absent = from.absent[0];
    if (value !== undefined) encodeValue(words, address, from, Number(value));
    else if (absent !== undefined) encodeValue(words, address, { ...from, scale: 1 }, absent);
  }
  return words;
}

function writableCommands(profile: Profile): WritableCommand[] {
  return Object.entries(profile.commands).flatMap(([name, definition]) => {
    const table = definition.to?.coil === undefined ? 'holding' : 'coil';
    const address = definition.to?.[table];
    return definition.to && address !== undefined
      ? [{ name, definition, register: definition.to, address, table }]
      : [];
  });
}

/** What a write asks for: orders, or the exception code it earns. `after` is the table with the write in it. */
export function ordersOf(profile: Profile, table: WritableTable, written: Words, after: Words): Order[] | 2 | 3 {
  const touched = writableCommands(profile).filter(
    (one) =>
      one.table === table &&
      [...written.keys()].some((at) => at >= one.address && at < one.address + widthOf(one.register)),
  );
  const known = (at: number): boolean =>
    touched.some(({ address, register }) => at >= address && at < address + widthOf(register));
  if (![...written.keys()].every(known)) return 2;
  const orders: Order[] = [];
  for (const { name, definition, register, address } of touched) {
    const value = understand(definition, decodeValue(after, address, register));
    if (value === undefined) return 3;
    orders.push({ command: name, value });
  }
  return orders;
}
