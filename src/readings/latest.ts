/** The newest value of every terminal's metrics, in memory. A reading's own time decides, not its arrival. */

export interface LatestValue {
  value: number;
  /** Epoch ms. */
  time: number;
}

export function createLatest() {
  const terminals = new Map<string, Map<string, LatestValue>>();

  function valuesOf(terminalId: string): Map<string, LatestValue> {
    const values = terminals.get(terminalId) ?? new Map<string, LatestValue>();
    if (values.size === 0) terminals.set(terminalId, values);
    return values;
  }

  /** Whether it is newer than what was known. */
  function note(values: Map<string, LatestValue>, metric: string, value: number, time: number): boolean {
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
    /** Whether it is newer than what was known. */
    set: (terminalId: string, metric: string, value: number, time: number): boolean =>
      note(valuesOf(terminalId), metric, value, time),

    /** Those of the values that are the newest of their metric now. */
    update(terminalId: string, time: number, values: Record<string, number>): Record<string, number> {
      const known = valuesOf(terminalId);
      let older: string[] | undefined;
      for (const metric in values) {
        if (note(known, metric, values[metric] ?? 0, time)) continue;
        older ??= [];
        older.push(metric);
      }
      if (!older) return values;
      return Object.fromEntries(Object.entries(values).filter(([metric]) => !older.includes(metric)));
    },

    of: (terminalId: string): ReadonlyMap<string, LatestValue> => terminals.get(terminalId) ?? new Map(),

    forget: (terminalId: string): void => {
      terminals.delete(terminalId);
    },
  };
}
export type Latest = ReturnType<typeof createLatest>;
