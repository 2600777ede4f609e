import { z } from 'zod';
import type { Profile } from './profile.ts';

/** How long a command may wait to be sent. */

/** Most terminals listen all the time. Seconds. */
const USUAL_EXPIRY_S = 900;
const LONGEST_EXPIRY_S = 259_200;

const expiry = z.int().min(1).max(LONGEST_EXPIRY_S);

/** Of a terminal that sleeps, seconds: for all of a command's values, or for those that are named. */
export const maxExpiryS = z.union([expiry, z.record(z.string(), expiry)]).optional();

/** A battery meter that listens once in a while. Seconds. */
export const sleeps = z.strictObject({ everyS: z.int().min(60).max(259_200) }).optional();

export function longestExpiryS({ commands }: Profile, command: string, value: string | number): number {
  const most = commands[command]?.maxExpiryS;
  return (typeof most === 'object' ? most[value] : most) ?? USUAL_EXPIRY_S;
}

/** What only a profile that sleeps may say. */
export function expiryContradictions({ sleeps: sleep, commands }: Profile): string[] {
  return Object.entries(commands).flatMap(([name, { maxExpiryS: most, values }]) => {
    if (most === undefined) return [];
    if (!sleep) return [`commands.${name}.maxExpiryS: only for a profile that sleeps`];
    const unknown = Object.keys(typeof most === 'object' ? most : {}).find((value) => values?.[value] === undefined);
    return unknown === undefined ? [] : [`commands.${name}.maxExpiryS: no value ${unknown}`];
  });
}

/** About when a terminal that sleeps listens next, by when it was seen last. Epoch ms; null for one that listens all the time, or was never seen. */
export function wakesAt({ sleeps: sleep }: Profile, lastSeenAt: number | null, now: number): number | null {
  if (!sleep || lastSeenAt === null) return null;
  const everyMs = sleep.everyS * 1_000;
  return lastSeenAt + Math.max(1, Math.ceil((now - lastSeenAt) / everyMs)) * everyMs;
}
