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

/** Whether a device of this type answers for this stretch of registers: at once within a range, or a single value. */
export function readable(profile: Profile, address: number, count: number): boolean {
  const last = address + count - 1;
  const within = (ranges: [number, number][] = []) => ranges.some(([from, to]) => from <= address && last <= to);
  const isOne = count === 1 || valuesAt(profile, address).some((register) => widthOf(register) === count);
  return within(profile.poll?.readable) || (isOne && within(profile.poll?.singly));
}

function valuesAt(profile: Profile, address: number): Register[] {
  return Object.values(profile.metrics).flatMap(({ from }) =>
    from && [from.holding, from.input, from.coil, from.discrete].includes(address) ? [from] : [],
  );
}

export function hasTable(profile: Profile, table: Table): boolean {
  return Object.values(profile.metrics).some(({ from }) => from?.[table] !== undefined);
}

/** One table of a terminal as its values stand. What a house does not know is absent, or as in the profile's example; the rest is 0. */
export function wordsOf(profile: Profile, table: Table, values: Values): Words {
  const words: Words = new Map();
  for (const [name, { from }] of Object.entries(profile.metrics)) {
    const address = from?.[table];
    if (!from || address === undefined) continue;
    const absent = from.absent[0];
    const example = absent === undefined ? profile.examples.find((one) => name in one.values)?.values[name] : undefined;
    const value = values[name] ?? example;
    if (value !== undefined) encodeValue(words, address, from, Number(value));
    else if (absent !== undefined) encodeValue(words, address, { ...from, scale: 1, offset: 0 }, absent);
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

/** The addresses that a command takes: its own register, or the whole block that it must come with. */
function reachOf({ register, address }: WritableCommand): number[] {
  const { block } = register;
  return Array.from({ length: block?.count ?? widthOf(register) }, (_, i) => (block?.holding ?? address) + i);
}

/** Of a block only what is marked as changed is meant; what has no block is meant whenever it is written. */
const isMeant = ({ register: { block } }: WritableCommand, after: Words): boolean =>
  block === undefined ||
  block.put.every((put) => decodeValue(after, put.holding, { ...put, as: 'uint16', scale: 1 }) === put.value);

/** What a write asks for: orders, or the exception code it earns. `after` is the table with the write in it. */
export function ordersOf(profile: Profile, table: WritableTable, written: Words, after: Words): Order[] | 2 | 3 {
  const touched = writableCommands(profile).filter((one) => {
    const reach = reachOf(one);
    if (one.table !== table) return false;
    return one.register.block ? reach.every((at) => written.has(at)) : reach.some((at) => written.has(at));
  });
  const known = new Set(touched.flatMap(reachOf));
  if (![...written.keys()].every((at) => known.has(at))) return 2;
  // Two commands may share a register, each with words of its own; what none of them understands is refused.
  const understood = touched.flatMap((one) => {
    const value = understand(one.definition, decodeValue(after, one.address, one.register));
    return value !== undefined && isMeant(one, after) ? [{ one, value }] : [];
  });
  const taken = new Set(understood.flatMap(({ one }) => reachOf(one)));
  if (![...written.keys()].every((at) => taken.has(at))) return 3;
  return understood.map(({ one, value }) => ({ command: one.name, value }));
}
