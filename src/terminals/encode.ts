import type { RegisterFrame } from './decode.ts';
import type { CommandDefinition, Register } from './profile.ts';

/** Between numbers and registers, and between a command's value and the number that it stands for. */

export const registerCount = (register: Register): number => (register.as.endsWith('32') ? 2 : 1);

export const registerAddress = (register: Register): number => register.holding ?? register.input ?? 0;

const clean = (value: number): number => Number(value.toPrecision(12));

/** The value that a register map's entry has in a frame; undefined when it is missing or marked absent. */
export function registerValue(register: Register, frame: RegisterFrame): number | undefined {
  const table = register.holding === undefined ? frame.input : frame.holding;
  const address = registerAddress(register);
  const high = table.get(address);
  if (high === undefined) return undefined;
  let raw: number;
  if (registerCount(register) === 1) {
    raw = register.as === 'int16' ? (high << 16) >> 16 : high;
  } else {
    const low = table.get(address + 1);
    if (low === undefined) return undefined;
    const words = new DataView(new ArrayBuffer(4));
    words.setUint16(0, high);
    words.setUint16(2, low);
    raw = { uint32: words.getUint32(0), int32: words.getInt32(0), float32: words.getFloat32(0) }[
      register.as as 'uint32' | 'int32' | 'float32'
    ];
    // A float32 carries seven digits: 230.2, not 230.1999969.
    if (register.as === 'float32') raw = Number(raw.toPrecision(7));
  }
  if (!Number.isFinite(raw) || register.absent.includes(raw)) return undefined;
  if (register.bit !== undefined) return (raw >> register.bit) & 1;
  return clean(raw * register.scale);
}

/** The words to write so that the register map's entry shows `value`. A single bit needs the word that is there now. */
export function registerWords(register: Register, value: number, present = 0): number[] {
  if (register.bit !== undefined) return [value ? present | (1 << register.bit) : present & ~(1 << register.bit)];
  const raw = clean(value / register.scale);
  if (registerCount(register) === 1) return [Math.round(raw) & 0xffff];
  const words = new DataView(new ArrayBuffer(4));
  if (register.as === 'float32') words.setFloat32(0, raw);
  else words.setUint32(0, Math.round(raw) >>> 0);
  return [words.getUint16(0), words.getUint16(2)];
}

/** The number that a confirming reading shows when the command happened; undefined when the profile does not allow the value. */
export function commandNumber(definition: CommandDefinition, value: string | number): number | undefined {
  if (definition.values) {
    return typeof value === 'string' && Object.hasOwn(definition.values, value) ? definition.values[value] : undefined;
  }
  const range = definition.range;
  if (!range || typeof value !== 'number' || !(value >= range.min && value <= range.max)) return undefined;
  const steps = (value - range.min) / range.step;
  return Math.abs(steps - Math.round(steps)) < 1e-9 ? value : undefined;
}
