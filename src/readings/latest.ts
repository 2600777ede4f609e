/** The newest value of every terminal's metrics, in memory. A reading's own time decides, not its arrival. */

export interface LatestValue {
  value: number;
  /** Epoch ms. */
  time: number;
}

export function createLatest() {
  const terminals = new Map<string, Map<string, LatestValue>>();

  /** Whether it is newer than what was known. */
  function set(terminalId: string, metric: string, value: number, time: number): boolean {
    const values = terminals.get(terminalId) ?? new Map<string, LatestValue>();
    terminals.set(terminalId, values);
    const known = values.get(metric);
    if (known && time <= known.time) return false;
    if (!known) values.set(metric, { value, time });
    else {
      known.value = value;
      known.time = time;
    }
    return true;
  }

  return {
    set,

    /** Those of the values that are the newest of their metric now. */
    update(terminalId: string, time: number, values: Record<string, number>): Record<string, number> {
      const older = Object.keys(values).filter((metric) => !set(terminalId, metric, values[metric] ?? 0, time));
      if (older.length === 0) return values;
      return Object.fromEntries(Object.entries(values).filter(([metric]) => !older.includes(metric)));
    },

    of: (terminalId: string): ReadonlyMap<string, LatestValue> => terminals.get(terminalId) ?? new Map(),

    forget: (terminalId: string): void => {
      terminals.delete(terminalId);
    },
  };
}
export type Latest = ReturnType<typeof createLatest>;
