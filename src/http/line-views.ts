import type { LineDetail, LineView } from './schemas/modbus.ts';

/** Lines with their units, summed up for a list: of two thousand units nobody reads each. */

type Units = LineDetail['units'];
type Line = Omit<LineDetail, 'frames'>;

/** A tenth of the requests may fail by chance, as on radio lines, before somebody should look. */
const FAILED_SHARE = 0.1;

const middle = (numbers: number[]): number | null =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? null;

const known = (numbers: (number | null)[]): number[] => numbers.filter((number) => number !== null);

function summary(units: Units): LineView['units'] {
  const asked = units.filter(({ requests }) => requests > 0);
  const slow = known(units.map(({ answerMs }) => answerMs.slow));
  const errors = units.map(({ lastError }) => lastError).filter((error) => error !== null);
  return {
    count: units.length,
    silent: units.filter(({ breaker }) => breaker !== 'closed').length,
    leftOut: units.reduce((sum, { leftOut }) => sum + leftOut.length, 0),
    answerMs: {
      median: middle(known(units.map(({ answerMs }) => answerMs.median))),
      slow: slow.length === 0 ? null : Math.max(...slow),
    },
    failedShare: asked.reduce((sum, { failedShare }) => sum + failedShare, 0) / Math.max(1, asked.length),
    lastError: errors.toSorted((a, b) => (a.time < b.time ? 1 : -1))[0] ?? null,
  };
}

export function lineView({ units, ...line }: Line): LineView {
  const summed = summary(units);
  const isTroubled = !line.isUp || summed.silent > 0 || summed.failedShare >= FAILED_SHARE;
  return { ...line, isTroubled, units: summed };
}

export function lineTotals(views: LineView[]) {
  const sum = (of: (view: LineView) => number) => views.reduce((total, view) => total + of(view), 0);
  return {
    lines: views.length,
    troubled: sum(({ isTroubled }) => (isTroubled ? 1 : 0)),
    units: sum(({ units }) => units.count),
    silent: sum(({ units }) => units.silent),
  };
}
