import type { Polled } from './bridge.ts';
import type { DialIn } from './dial-in.ts';
import type { Line } from './line.ts';

/** Lines and units as operators look at them. Times are epoch ms. */

const hex = (bytes: Buffer): string => bytes.toString('hex').replace(/..(?=.)/g, '$& ');

export function lineStates({ lines, polled, dialIn }: { lines: Line[]; polled: Map<string, Polled>; dialIn: DialIn }) {
  const byLine = Map.groupBy(polled, ([, { line }]) => line);
  return lines.map((line) => {
    const state = line.state();
    const port = /^(\d+)\//.exec(line.name)?.[1];
    const absent = port !== undefined && !state.isUp ? 'has not dialled in' : null;
    return {
      id: line.name,
      ...state,
      trouble: (port === undefined ? undefined : dialIn.trouble(Number(port))) ?? state.trouble ?? absent,
      units: (byLine.get(line.name) ?? []).map(([terminalId, { unit }]) => ({
        terminalId,
        unit: unit.unit,
        breaker: unit.breaker.state(),
        nextTryInMs: unit.breaker.waitMs(),
        leftOut: unit.leftOut(),
        texts: unit.texts?.() ?? {},
        ...unit.figures.state(),
      })),
      frames: () =>
        line.frames().map(({ time, unit, sent, heard, tookMs }) => ({
          time,
          unit,
          sent: hex(sent),
          heard: hex(heard),
          tookMs: tookMs === undefined ? null : Math.round(tookMs),
        })),
    };
  });
}
