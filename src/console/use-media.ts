import { useSyncExternalStore } from 'react';

function mediaHook(query: string): () => boolean {
  const media = window.matchMedia(query);
  function subscribe(listener: () => void): () => void {
    media.addEventListener('change', listener);
    return () => media.removeEventListener('change', listener);
  }
  return () => useSyncExternalStore(subscribe, () => media.matches);
}

/** Below this a table of terminals needs sideways scrolling, so lists become cards. */
export const useNarrow = mediaHook('(max-width: 767px)');

/** The person has told the system that things shall not move: what opens is where it stays at once. */
export const useStillness = mediaHook('(prefers-reduced-motion: reduce)');
