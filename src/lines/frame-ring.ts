import type { Clock } from '../lib/clock.ts';
import type { UnitKey } from './question.ts';

/** The last requests of a line with what came back, for people who look for a fault. */

export interface KeptFrame {
  /** Epoch ms. */
  time: number;
  unit: UnitKey;
  sent: Buffer;
  heard: Buffer;
  tookMs: number | undefined;
}

/** No answer has more; of a stream of noise the beginning says enough. */
const MOST_BYTES = 300;

/** A copy with noughts where the secret stands. */
function blank(bytes: Buffer, secret: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = copy.indexOf(secret); at >= 0; at = copy.indexOf(secret)) copy.fill(0, at, at + secret.length);
  return copy;
}

export function createFrameRing(clock: Clock, most: number) {
  const kept: KeptFrame[] = [];
  /** As many as there are passwords on the line. In hexadecimal. */
  const secrets = new Set<string>();
  const shown = (bytes: Buffer): Buffer =>
    [...secrets].reduce((rest, secret) => blank(rest, Buffer.from(secret, 'hex')), bytes);
  return {
    /** What is secret is blank here, also where a line gives it back, be it late. */
    add(unit: UnitKey, sent: Buffer, secret?: Buffer) {
      if (secret?.some((byte) => byte !== 0)) secrets.add(secret.toString('hex'));
      const frame: KeptFrame = {
        time: clock.now(),
        unit,
        sent: shown(sent),
        heard: Buffer.alloc(0),
        tookMs: undefined,
      };
      const from = clock.ticks();
      kept.push(frame);
      if (kept.length > most) kept.shift();
      return {
        answered(heard: Buffer): void {
          frame.heard = shown(heard).subarray(0, MOST_BYTES);
          frame.tookMs = clock.ticks() - from;
        },
      };
    },
    /** The newest first. */
    list: (): readonly KeptFrame[] => kept.toReversed(),
  };
}
