import type { Clock } from '../lib/clock.ts';
import { answerLength, functionOf, type ReadRequest, type Request } from './codec.ts';

/**
 * Answers that units may still give to requests that were given up. A device answers in order: once a later request has surely been
 * answered, the earlier answers are lost for good. A late answer can be told by its function and length, an exception by its function only.
 */

/** After this an answer that did not come is not under way any more. */
const LONGEST_LATE_MS = 120_000;
const MOST_OWED = 16;

interface Owed {
  functionCode: number;
  length: number;
  at: number;
}

export interface Probe {
  request: ReadRequest;
  /** Whether an exception, too, can be no other request's. */
  exceptionTells: boolean;
}

export function createOwing(clock: Clock) {
  const units = new Map<number, { owed: Owed[]; restUntil: number }>();

  function owedOf(unit: number): Owed[] {
    const known = units.get(unit);
    if (!known) return [];
    const owed = known.owed.filter(({ at }) => clock.ticks() - at < LONGEST_LATE_MS);
    if (owed.length === 0) units.delete(unit);
    else known.owed = owed;
    return owed;
  }

  return {
    /** The unit may answer this yet, and is left alone for a while. */
    add(unit: number, request: Request, restMs: number): void {
      const one = { functionCode: functionOf(request), length: answerLength(request), at: clock.ticks() };
      const owed = [...owedOf(unit), one].slice(-MOST_OWED);
      units.set(unit, { owed, restUntil: clock.ticks() + restMs });
    },
    /** How long a unit must still be left alone. Milliseconds. */
    restMs: (unit: number): number => Math.max(0, (units.get(unit)?.restUntil ?? 0) - clock.ticks()),
    isOwing: (unit: number): boolean => owedOf(unit).length > 0,
    /** The first of the probes whose data no owed answer looks like. */
    probe(unit: number, probes: ReadRequest[]): Probe | undefined {
      const owed = owedOf(unit);
      const request = probes.find((one) =>
        owed.every(({ functionCode, length }) => functionCode !== functionOf(one) || length !== answerLength(one)),
      );
      const exceptionTells =
        request !== undefined && owed.every(({ functionCode }) => functionCode !== functionOf(request));
      return request && { request, exceptionTells };
    },
    /** All that was owed is lost. */
    settled: (unit: number): void => void units.delete(unit),
  };
}
