import { useSyncExternalStore } from 'react';

const TOKEN = 'hearthgate.token';
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  // Another tab that signs out signs this one out too.
  window.addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('storage', listener);
  };
}

const announce = () => {
  for (const listener of listeners) listener();
};

export const session = {
  token: (): string | null => localStorage.getItem(TOKEN),
  begin(token: string): void {
    localStorage.setItem(TOKEN, token);
    announce();
  },
  end(): void {
    localStorage.removeItem(TOKEN);
    announce();
  },
  subscribe,
};

export const useToken = (): string | null => useSyncExternalStore(subscribe, session.token);
