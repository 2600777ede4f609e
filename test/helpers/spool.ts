import type { SpoolOptions } from '../../src/readings/spool.ts';

/** A spool that commits at once and has no limit that a test could reach. */
export const spoolOptions = (folder: string, changes: Partial<SpoolOptions> = {}): SpoolOptions => ({
  folder,
  commitWaitMs: 0,
  segmentBytes: 1 << 20,
  maxBytes: 2 ** 33,
  maxAgeMs: 86_400_000,
  minFreeBytes: 0,
  ...changes,
});
