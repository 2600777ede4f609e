import type { Effect } from '../db/schema-commands.ts';
import type { Profile } from '../terminals/profile.ts';

/** What a value of a command does to the heat in a house, as its profile says. */

/** Values that take heat away in whatever profile. */
const TAKES = ['off', 'close', 'trip'] as const;

/** Undefined for what takes no heat away. Where a profile does not say, such a value counts as a cut. */
export function effectOf({ limits }: Profile, command: string, value: string | number): Effect | undefined {
  const word = TAKES.find((one) => one === value);
  return word && (limits[command]?.[word] ?? 'cut');
}

/** Whether the value only allows a person at the device to open. */
export const isArm = (value: string | number): boolean => value === 'arm';
