import { z } from 'zod';
import { type Decoded, decodeMeter, decodeRegisters, type RegisterFrame, type TimeBounds } from './decode.ts';
import { decodePayload } from './mapping.ts';
import type { MeterData } from './meter-values.ts';
import type { Profile } from './profile.ts';
import { isMeter } from './profile-meter.ts';

/** Frames as text, as quarantine keeps them, and their decoding once more. */

const word = z.int().min(0).max(65_535);
const table = z.array(z.tuple([word, word])).transform((entries) => new Map(entries));
const registerText = z.object({
  time: z.int(),
  holding: table,
  input: table,
  coil: table.optional(),
  discrete: table.optional(),
});

export const textOfRegisters = ({ holding, input, coil, discrete }: RegisterFrame, time: number): string =>
  JSON.stringify({
    time,
    holding: [...holding],
    input: [...input],
    ...(coil?.size && { coil: [...coil] }),
    ...(discrete?.size && { discrete: [...discrete] }),
  });

const meterText = z.object({
  time: z.int(),
  data: z.record(z.string(), z.string().regex(/^([0-9a-f]{2})*$/)),
});

/** By data identifier, in hexadecimal. */
export const textOfMeter = (data: MeterData, time: number): string =>
  JSON.stringify({ time, data: Object.fromEntries([...data].map(([di, bytes]) => [di, bytes.toString('hex')])) });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Decodes a kept frame by the profile as it is now; `bounds.now` is when the frame came. */
export function decodeKept(profile: Profile, text: string, bounds: TimeBounds): Decoded {
  if (profile.protocol === 'mqtt') return decodePayload(profile, Buffer.from(text), bounds);
  if (isMeter(profile.protocol)) return decodeKeptMeter(profile, text, bounds);
  const { success, data, error } = registerText.safeParse(parseJson(text));
  if (success) return decodeRegisters(profile, data, data.time, bounds.installedAt);
  return { readings: [], rejects: [{ reason: 'bad_payload', detail: z.prettifyError(error).slice(0, 200) }] };
}

/** A meter's own frames, or what somebody who read them for it sent as readings. */
function decodeKeptMeter(profile: Profile, text: string, bounds: TimeBounds): Decoded {
  const { data: kept } = meterText.safeParse(parseJson(text));
  if (!kept) return decodePayload(profile, Buffer.from(text), bounds);
  const data = new Map(Object.entries(kept.data).map(([di, hex]) => [di, Buffer.from(hex, 'hex')]));
  return decodeMeter(profile, data, kept.time, bounds.installedAt);
}
