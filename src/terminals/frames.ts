import { z } from 'zod';
import { type Decoded, decodeRegisters, type RegisterFrame, type TimeBounds } from './decode.ts';
import { decodePayload } from './mapping.ts';
import type { Profile } from './profile.ts';

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
  const { success, data, error } = registerText.safeParse(parseJson(text));
  if (success) return decodeRegisters(profile, data, data.time, bounds.installedAt);
  return { readings: [], rejects: [{ reason: 'bad_payload', detail: z.prettifyError(error).slice(0, 200) }] };
}
