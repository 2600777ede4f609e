import type { SpoolRecord } from '../segments.ts';
import type { MetricPoint, Refusal } from '../store.ts';

/**
 * For stores in which a second value of the same series and time would overwrite the first: the same value again is passed over,
 * another one is refused. Readings newer than all that a terminal has sent need no question to the store.
 */

const HOUR_MS = 3_600_000;
/** Most time of all terminals in one question, and most terminals, so that its answer has a limit too. */
const ASKED_MS = 100 * HOUR_MS;
const TERMINALS = 1_000;

type KeptValue = MetricPoint & { terminalId: string };
/** All that the store has of some terminals in a range, both ends included. */
export type Kept = (asked: { terminalIds: string[]; from: number; to: number }) => Promise<KeptValue[]>;
/** A refusal and the record of the spool that it is about. */
export type RecordRefusal = Refusal & { sequence: number };

export const refusalOf = (
  { sequence, terminalId, time }: SpoolRecord,
  values: Record<string, number>,
  reason: Refusal['reason'],
  detail: string,
): RecordRefusal => ({ sequence, terminalId, time, values, reason, detail });

/** The values of each terminal and time that are known. */
type Known = Map<string, Map<number, Map<string, number>>>;

function knownOf(known: Known, { terminalId, time }: { terminalId: string; time: number }): Map<string, number> {
  const times = known.get(terminalId) ?? new Map<number, Map<string, number>>();
  known.set(terminalId, times);
  const values = times.get(time) ?? new Map<string, number>();
  times.set(time, values);
  return values;
}

/** `newest` has the newest time of each terminal, as far back as `since`; both epoch ms. */
export function createFirstKept(newest: Map<string, number>, since: number, kept: Kept) {
  async function askStore(suspects: SpoolRecord[], known: Known): Promise<void> {
    const hours = Map.groupBy(suspects, ({ time }) => Math.floor(time / HOUR_MS));
    for (const records of hours.values()) {
      const terminalIds = [...new Set(records.map(({ terminalId }) => terminalId))];
      const times = records.map(({ time }) => time);
      const span = { from: Math.min(...times), to: Math.max(...times) };
      const size = Math.min(TERMINALS, Math.ceil(ASKED_MS / (span.to - span.from + 1)));
      for (let start = 0; start < terminalIds.length; start += size) {
        for (const one of await kept({ ...span, terminalIds: terminalIds.slice(start, start + size) })) {
          // Only the times that are asked about, so that no more is held than the batch has.
          known.get(one.terminalId)?.get(one.time)?.set(one.metric, one.value);
        }
      }
    }
  }

  return {
    /** What of a batch is new, and what is refused; `taken` must be called when it is stored. */
    async filter(records: SpoolRecord[]): Promise<{ fresh: SpoolRecord[]; conflicts: RecordRefusal[] }> {
      const known: Known = new Map();
      const suspects = records.filter(({ terminalId, time }) => time <= (newest.get(terminalId) ?? since));
      for (const suspect of suspects) knownOf(known, suspect);
      await askStore(suspects, known);
      const conflicts: RecordRefusal[] = [];
      const fresh = records.flatMap((record) => {
        const there = knownOf(known, record);
        const entries = Object.entries(record.values);
        const others = entries.filter(([metric, value]) => (there.get(metric) ?? value) !== value);
        if (others.length > 0) {
          const detail = others.map(([metric, value]) => `${metric}: ${there.get(metric)} is kept, ${value} came`);
          conflicts.push(refusalOf(record, Object.fromEntries(others), 'conflict', detail.join('; ')));
        }
        const added = entries.filter(([metric]) => !there.has(metric));
        for (const [metric, value] of added) there.set(metric, value);
        return added.length > 0 ? [{ ...record, values: Object.fromEntries(added) }] : [];
      });
      return { fresh, conflicts };
    },

    taken(records: SpoolRecord[]): void {
      for (const { terminalId, time } of records)
        newest.set(terminalId, Math.max(time, newest.get(terminalId) ?? time));
    },
  };
}
