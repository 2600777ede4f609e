import type { Logger } from '../lib/log.ts';
import type { Disk } from './disk.ts';
import type { Found } from './records.ts';
import { readSegment, type Segment, type SpoolRecord } from './segments.ts';

/** Reads the spool from disk, going on where the last reading ended. `segments` is the spool's own list, which changes under it. */
export function createSpoolReader(segments: readonly Segment[], { disk, log }: { disk: Disk; log: Logger }) {
  let damaged = 0;
  let cursor = { sequence: -1, segment: -1, offset: 0 };

  /** The segment that holds the record after `sequence`. */
  const segmentAfter = (sequence: number): number =>
    Math.max(
      0,
      segments.findLastIndex((segment) => segment.first <= sequence + 1),
    );

  return {
    /** At most `most` records after `sequence` and up to `last`, in order. */
    async read(sequence: number, most: number, last: number): Promise<SpoolRecord[]> {
      // The segment in which the last read ended may have been released since.
      const known = cursor.sequence === sequence && segments.some(({ first }) => first === cursor.segment);
      if (!known) cursor = { sequence, segment: segments[segmentAfter(sequence)]?.first ?? 1, offset: 0 };
      const found: SpoolRecord[] = [];
      let index = segments.findIndex((segment) => segment.first === cursor.segment);
      while (found.length < most && index >= 0 && index < segments.length) {
        const segment = segments[index];
        if (!segment) break;
        const next = segments[index + 1]?.first;
        let reachedLast = false;
        let offset = cursor.segment === segment.first ? cursor.offset : 0;
        const take = ({ record, end }: Found): void => {
          offset = end;
          if (!record) damaged += 1;
          // What a failed commit left behind was never acknowledged, and its sequences were given again.
          else if (record.sequence > sequence && (next === undefined || record.sequence < next)) found.push(record);
        };
        try {
          for await (const piece of readSegment(disk, segment, offset)) {
            // What is committed while this reads is for the next time: nothing may be passed over that comes after `last`.
            const tooNew = next === undefined ? piece.findIndex(({ record }) => record && record.sequence > last) : -1;
            reachedLast = tooNew >= 0;
            for (const one of reachedLast ? piece.slice(0, tooNew) : piece) {
              take(one);
              if (found.length === most) break;
            }
            if (reachedLast || found.length === most) break;
          }
        } catch (error) {
          // What cannot be read must not keep the rest from the store.
          damaged += 1;
          log.error({ err: error, segment: segment.path }, 'spool: a segment cannot be read; going on with the next');
        }
        cursor = { sequence: found.at(-1)?.sequence ?? sequence, segment: segment.first, offset };
        if (reachedLast) break;
        // Segments may have been released meanwhile.
        index = segments.findIndex(({ first }) => first > segment.first);
      }
      return found;
    },

    /** Records that could not be read since the start. */
    damaged: () => damaged,
  };
}
