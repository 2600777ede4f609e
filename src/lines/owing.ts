import type { Clock } from '../lib/clock.ts';
import type { Question, UnitKey } from './question.ts';

/**
 * Answers that units may still give to requests that were given up. A device answers in order: once a later request has surely been
 * answered, the earlier answers are lost for good. A late answer can be told by its function and length, an exception by its function only.
 */

/** After this an answer that did not come is not under way any more. */
const LONGEST_LATE_MS = 120_000;
const MOST_OWED = 16;

interface Owed {
  answer: string;
  refusal: string;
  at: number;
}

export interface Probe {
  question: Question<unknown>;
  /** Whether an exception, too, can be no other request's. */
  exceptionTells: boolean;
}

export function createOwing(clock: Clock) {
  const units = new Map<UnitKey, { owed: Owed[]; restUntil: number }>();

  function owedOf(unit: UnitKey): Owed[] {
    const known = units.get(unit);
    if (!known) return [];
    const owed = known.owed.filter(({ at }) => clock.ticks() - at < LONGEST_LATE_MS);
    if (owed.length === 0 && known.restUntil <= clock.ticks()) units.delete(unit);
    else known.owed = owed;
    return owed;
  }

  return {
    /** The unit may answer this yet, and is left alone for a while. */
    add(unit: UnitKey, { shape }: Question<unknown>, restMs: number): void {
      const owed = [...owedOf(unit), ...(shape ? [{ ...shape, at: clock.ticks() }] : [])].slice(-MOST_OWED);
      units.set(unit, { owed, restUntil: clock.ticks() + restMs });
    },
    /** How long a unit must still be left alone. Milliseconds. */
    restMs: (unit: UnitKey): number => Math.max(0, (units.get(unit)?.restUntil ?? 0) - clock.ticks()),
    isOwing: (unit: UnitKey): boolean => owedOf(unit).length > 0,
    /** The first of the probes whose data no owed answer looks like. */
    probe(unit: UnitKey, probes: readonly Question<unknown>[]): Probe | undefined {
      const owed = owedOf(unit);
      const question = probes.find((one) => owed.every(({ answer }) => answer !== one.shape?.answer));
      const exceptionTells = owed.every(({ refusal }) => refusal !== question?.shape?.refusal);
      return question && { question, exceptionTells };
    },
    /** All that was owed is lost. */
    settled: (unit: UnitKey): void => void units.delete(unit),
  };
}
