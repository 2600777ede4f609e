import type { SpoolRecord } from './segments.ts';

/**
 * The readings that came last, which the store gets before their turn while a backlog drains. They stay in the spool and come to the
 * store once more in their turn, so whatever is forgotten here is lost to nobody.
 *
 * Of each terminal only what is newer than all that it sent before: of that time nothing can still wait, so of two values for one time
 * the first stays first.
 */

/** More than comes between two turns; when there are more, the oldest are left to their turn. Twice as many are in memory at most. */
const MOST = 20_000;

export function createAhead() {
  const newest = new Map<string, number>();
  let records: SpoolRecord[] = [];
  let isOpen = false;

  function isNewest({ terminalId, time }: SpoolRecord): boolean {
    const known = newest.get(terminalId);
    if (known !== undefined && time <= known) return false;
    newest.set(terminalId, time);
    return true;
  }

  return {
    /** What was just committed. Every message passes here. */
    see(committed: SpoolRecord[]): void {
      for (const record of committed) if (isNewest(record) && isOpen) records.push(record);
      if (records.length > 2 * MOST) records = records.slice(-MOST);
    },

    /** What waited in the spool before the start. */
    remember: (record: SpoolRecord): void => void isNewest(record),

    /** To be called when all of that is remembered; until then nobody knows what is newer. */
    open(): void {
      isOpen = true;
    },

    /** Forgets what the store has by now. */
    stored(position: number): void {
      const start = records.findIndex(({ sequence }) => sequence > position);
      records = start < 0 ? [] : records.slice(start);
    },

    /** The newest of those after a place in the spool, in order. */
    after(sequence: number): SpoolRecord[] {
      return records.filter((record) => record.sequence > sequence).slice(-MOST);
    },
  };
}
export type Ahead = ReturnType<typeof createAhead>;
