import { useSyncExternalStore } from 'react';

/** Below this a table of terminals needs sideways scrolling, so lists become cards. */
const narrow = window.matchMedia('(max-width: 767px)');

function subscribe(listener: () => void): () => void {
  narrow.addEventListener('change', listener);
  return () => narrow.removeEventListener('change', listener);
}

export const useNarrow = (): boolean => useSyncExternalStore(subscribe, () => narrow.matches);
