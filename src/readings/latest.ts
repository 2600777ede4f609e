/** The newest value of every terminal's metrics, in memory. A reading's own time decides, not its arrival. */

export interface LatestValue {
  value: number;
  /** Epoch ms. */
  time: number;
}

export function createLatest() {
  const terminals = new Map<string, Map<string, LatestValue>>();

  function set(terminalId: string, metric: string, value: number, time: number): void {
    const values = terminals.get(terminalId) ?? new Map<string, LatestValue>();
    terminals.set(terminalId, values);
    const known = values.get(metric);
    if (!known || time > known.time) values.set(metric, { value, time });
  }

  return {
    set,

    update(terminalId: string, time: number, values: Record<string, number>): void {
      for (const [metric, value] of Object.entries(values)) set(terminalId, metric, value, time);
    },

    of: (terminalId: string): ReadonlyMap<string, LatestValue> => terminals.get(terminalId) ?? new Map(),

    forget: (terminalId: string): void => {
      terminals.delete(terminalId);
    },
  };
}
export type Latest = ReturnType<typeof createLatest>;
