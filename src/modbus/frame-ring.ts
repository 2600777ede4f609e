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

export function createFrameRing(clock: Clock, most: number) {
  const kept: KeptFrame[] = [];
  return {
    add(unit: UnitKey, sent: Buffer) {
      const frame: KeptFrame = { time: clock.now(), unit, sent, heard: Buffer.alloc(0), tookMs: undefined };
      const from = clock.ticks();
      kept.push(frame);
      if (kept.length > most) kept.shift();
      return {
        answered(heard: Buffer): void {
          frame.heard = heard.subarray(0, MOST_BYTES);
          frame.tookMs = clock.ticks() - from;
        },
      };
    },
    /** The newest first. */
    list: (): readonly KeptFrame[] => kept.toReversed(),
  };
}
