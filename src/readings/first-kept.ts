import type { SpoolRecord } from './segments.ts';

/**
 * For stores in which a second value of the same series and time would overwrite the first: drops values that are there already,
 * also those that a replay brings again. Readings newer than all that a terminal has sent need no question to the store.
 */

/** The metrics that a terminal has at each time of a range, both ends included. */
export type Existing = (terminalId: string, from: number, to: number) => Promise<Map<number, Set<string>>>;

export function createFirstKept(newest: Map<string, number>, existing: Existing) {
  async function askStore(records: SpoolRecord[]): Promise<Map<string, Map<number, Set<string>>>> {
    const suspects = records.filter(
      ({ terminalId, time }) => time <= (newest.get(terminalId) ?? Number.NEGATIVE_INFINITY),
    );
    const found = new Map<string, Map<number, Set<string>>>();
    for (const [terminalId, own] of Map.groupBy(suspects, (record) => record.terminalId)) {
      const times = own.map(({ time }) => time);
      found.set(terminalId, await existing(terminalId, Math.min(...times), Math.max(...times)));
    }
    return found;
  }

  return {
    /** What of a batch is new; `taken` must be called when it is stored. */
    async filter(records: SpoolRecord[]): Promise<SpoolRecord[]> {
      const known = await askStore(records);
      return records.flatMap((record) => {
        const times = known.get(record.terminalId) ?? new Map<number, Set<string>>();
        known.set(record.terminalId, times);
        const metrics = times.get(record.time) ?? new Set<string>();
        times.set(record.time, metrics);
        const fresh = Object.entries(record.values).filter(([metric]) => !metrics.has(metric));
        for (const [metric] of fresh) metrics.add(metric);
        return fresh.length > 0 ? [{ ...record, values: Object.fromEntries(fresh) }] : [];
      });
    },

    taken(records: SpoolRecord[]): void {
      for (const { terminalId, time } of records)
        newest.set(terminalId, Math.max(time, newest.get(terminalId) ?? time));
    },
  };
}

/**
 * Sends records; when the server calls the batch bad, halves it until the bad record is alone and refuses that one.
 * Sending a record again that was stored already changes nothing.
 */
export async function sendAround(
  records: SpoolRecord[],
  parts: {
    send: (records: SpoolRecord[]) => Promise<void>;
    /** Why the server calls the batch itself bad, as opposed to being unwell; undefined otherwise. */
    badness: (error: unknown) => string | undefined;
    refuse: (record: SpoolRecord, reason: string) => Promise<void>;
  },
): Promise<void> {
  if (records.length === 0) return;
  try {
    await parts.send(records);
  } catch (error) {
    const reason = parts.badness(error);
    if (reason === undefined) throw error;
    const [only] = records;
    if (only && records.length === 1) return parts.refuse(only, reason);
    const half = records.length >> 1;
    await sendAround(records.slice(0, half), parts);
    await sendAround(records.slice(half), parts);
  }
}
