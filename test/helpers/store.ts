import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import type { Refusal, StoreParts } from '../../src/readings/store.ts';

/** What a store is opened with, which keeps everything for ever; what it refuses is found in `refused`. */
export function storeParts(changes: Partial<StoreParts> = {}): StoreParts & { refused: Refusal[] } {
  const refused: Refusal[] = [];
  return {
    clock: systemClock,
    log: createLog('silent'),
    refuse: async (refusals) => void refused.push(...refusals),
    spoolId: 's',
    keepRawDays: 0,
    keepRollupDays: 0,
    ...changes,
    refused,
  };
}
