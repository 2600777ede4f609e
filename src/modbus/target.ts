import {
  blockWords,
  commandNumber,
  isWhole,
  registerAddress,
  registerCount,
  registerTable,
  registerWords,
} from '../terminals/encode.ts';
import type { CommandDefinition } from '../terminals/profile.ts';

/** What a command writes: registers that its profile names, and no others. Pure. */

export interface WriteTarget {
  table: 'holding' | 'coil';
  address: number;
  /** Asks for function 10 or 0F also for a single value. */
  many: boolean;
  /** So many words are read first, from the same address on; 0 when the value has its words for itself. */
  readFirst: number;
  values: (present: number[]) => number[];
  /** Reads the value's own registers so long after the write. Milliseconds. */
  readBack: { afterMs: number; address: number; count: number; holds: (words: number[]) => boolean } | undefined;
}

/** Undefined for a value that the profile does not allow. A bit changes in the word that is there, a block in all of its words. */
export function targetOf(definition: CommandDefinition | undefined, value: string | number): WriteTarget | undefined {
  const number = definition && commandNumber(definition, value);
  const to = definition?.to;
  const table = to && registerTable(to);
  if (number === undefined || !to || (table !== 'holding' && table !== 'coil')) return undefined;
  const { block } = to;
  const words = (present: number[]) => (block ? blockWords(to, number, present) : registerWords(to, number, present));
  if (!words([])) return undefined;
  const [address, count] = [registerAddress(to), registerCount(to)];
  const holds = (shown: number[]) => registerWords(to, number, shown)?.every((word, i) => word === shown[i]) ?? false;
  return {
    table,
    address: block?.holding ?? address,
    many: to.writeMany ?? false,
    readFirst: block?.count ?? (isWhole(to) ? 0 : count),
    values: (present) => words(present) ?? [],
    readBack: to.readBackMs === undefined ? undefined : { afterMs: to.readBackMs, address, count, holds },
  };
}
