import { chunksOf } from '../../lib/chunks.ts';
import type { SpoolRecord } from '../segments.ts';
import type { MetricPoint, Refusal } from '../store.ts';

/**
 * For stores in which a second value of the same series and time would overwrite the first: the same value again is passed over,
 * another one is refused. Readings newer than all that a terminal has sent need no question to the store, nor those in a time of
 * which the store has said that it has nothing: one answer is enough for hours of a backlog.
 */

const HOUR_MS = 3_600_000;
/** Most time of all terminals in one question, and most terminals, so that its answer has a limit too. */
const ASKED_MS = 100 * HOUR_MS;
const TERMINALS = 1_000;
/** Questions at once: one is answered while the answer of another is read. */
const AT_ONCE = 2;
/** How far beyond a batch a terminal that has nothing is asked about. */
const AHEAD_MS = 6 * HOUR_MS;

type KeptValue = MetricPoint & { terminalId: string };
/** All that the store has of some terminals in a range, both ends included. */
export type Kept = (asked: { terminalIds: string[]; from: number; to: number }) => Promise<KeptValue[]>;
/** The first reading of each of some terminals in a range, `to` not included; those without one are left out. */
export type First = (asked: {
  terminalIds: string[];
  from: number;
  to: number;
}) => Promise<{ terminalId: string; time: number }[]>;
/** A refusal and the record of the spool that it is about. */
export type RecordRefusal = Refusal & { sequence: number };

const least = (times: number[]): number => times.reduce((a, b) => Math.min(a, b));
const most = (times: number[]): number => times.reduce((a, b) => Math.max(a, b));

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

/** A time in which the store has nothing of a terminal: epoch ms, `to` not included. */
interface Gap {
  from: number;
  to: number;
}

/** `newest` has the newest time of each terminal, as far back as `since`; both epoch ms. */
export function createFirstKept(
  newest: Map<string, number>,
  since: number,
  { kept, first }: { kept: Kept; first: First },
) {
  const gaps = new Map<string, Gap>();

  const mayBeThere = ({ terminalId, time }: SpoolRecord): boolean => {
    if (time > (newest.get(terminalId) ?? since)) return false;
    const gap = gaps.get(terminalId);
    return gap === undefined || time < gap.from || time >= gap.to;
  };

  /** For terminals that have nothing in a span, both ends included: when they have something again. */
  async function findGaps(terminalIds: string[], { from, to }: Gap): Promise<void> {
    const end = to + AHEAD_MS;
    for (const terminalId of terminalIds) gaps.set(terminalId, { from, to: end });
    for (const { terminalId, time } of await first({ terminalIds, from: to + 1, to: end }))
      gaps.set(terminalId, { from, to: time });
  }

  /** What is stored in a gap leaves the longer part of it. */
  function narrow(gap: Gap, time: number): void {
    if (time < gap.from || time >= gap.to) return;
    if (time - gap.from > gap.to - time) gap.to = time;
    else gap.from = time + 1;
  }

  /** All that the store has of some terminals in a span; only the times that are known of, so that no more is held than the batch has. */
  async function ask(terminalIds: string[], span: Gap, known: Known): Promise<void> {
    const without = new Set(terminalIds);
    for (const one of await kept({ ...span, terminalIds })) {
      without.delete(one.terminalId);
      known.get(one.terminalId)?.get(one.time)?.set(one.metric, one.value);
    }
    if (without.size > 0) await findGaps([...without], span);
  }

  async function askStore(suspects: SpoolRecord[], known: Known): Promise<void> {
    const questions: (() => Promise<void>)[] = [];
    for (const records of Map.groupBy(suspects, ({ time }) => Math.floor(time / HOUR_MS)).values()) {
      const terminalIds = [...new Set(records.map(({ terminalId }) => terminalId))];
      const times = records.map(({ time }) => time);
      const span = { from: least(times), to: most(times) };
      const size = Math.min(TERMINALS, Math.ceil(ASKED_MS / (span.to - span.from + 1)));
      for (const some of chunksOf(terminalIds, size)) questions.push(() => ask(some, span, known));
    }
    while (questions.length > 0) await Promise.all(questions.splice(0, AT_ONCE).map((question) => question()));
  }

  return {
    /** What of a batch is new, and what is refused; `taken` must be called when it is stored. */
    async filter(records: SpoolRecord[]): Promise<{ fresh: SpoolRecord[]; conflicts: RecordRefusal[] }> {
      const known: Known = new Map();
      const suspects = records.filter(mayBeThere);
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
      for (const { terminalId, time } of records) {
        newest.set(terminalId, Math.max(time, newest.get(terminalId) ?? time));
        const gap = gaps.get(terminalId);
        if (gap) narrow(gap, time);
      }
    },
  };
}
