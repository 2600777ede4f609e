import { useSyncExternalStore } from 'react';

/** How far this computer's clock is behind the gateway's: ages shown here must not depend on a wrong office clock. */
let behindMs = 0;

/** HTTP dates have whole seconds, so smaller differences say nothing. */
const RESOLUTION_MS = 2_000;

export function noteServerTime(date: string | null): void {
  const server = Date.parse(date ?? '');
  if (Number.isNaN(server)) return;
  const difference = server - Date.now();
  behindMs = Math.abs(difference) > RESOLUTION_MS ? difference : 0;
}

export const now = (): number => Date.now() + behindMs;

let tick = now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    tick = now();
    for (const each of listeners) each();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The time, a second apart; every age on the page ticks together. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => tick);
