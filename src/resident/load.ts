import { useCallback, useEffect, useRef, useState } from 'react';
import { get, type Query } from '../console/api.ts';

export interface Loaded<T> {
  data?: T;
  /** When the data came, epoch ms. */
  at?: number;
  /** Why the last attempt failed. What came before it stays. */
  error?: Error;
  again: () => void;
}

/** What a route answers, asked for again every `everyMs` while somebody looks. */
export function useLoad<T>(path: string, query: Query = {}, everyMs?: number): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, 'again'> & { key?: string }>({});
  const [round, setRound] = useState(0);
  const asked = useRef(query);
  asked.current = query;
  const key = `${path} ${JSON.stringify(query)}`;
  const again = useCallback(() => setRound((last) => last + 1), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` holds the query, `round` asks anew.
  useEffect(() => {
    const abort = new AbortController();
    get<T>(path, asked.current, abort.signal).then(
      (data) => setState({ data, at: Date.now(), key }),
      (error: Error) => {
        if (!abort.signal.aborted) setState((last) => (last.key === key ? { ...last, error } : { error, key }));
      },
    );
    return () => abort.abort();
  }, [key, path, round]);
  useEffect(() => {
    if (everyMs === undefined) return;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') again();
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs, again]);
  // What another question was answered must not be shown for this one.
  return state.key === key ? { ...state, again } : { again };
}
