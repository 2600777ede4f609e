import { useRef } from 'react';
import { ApiError } from './api.ts';

/** `crypto.randomUUID` exists only in secure contexts, and http:// on the office network is none. */
function randomId(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The gateway has answered that it did nothing, so another attempt is another intent. */
const nothingWasDone = (error: Error): boolean =>
  error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429;

/**
 * One key for one intent. A repetition after a lost answer carries the same key, so that it is done once;
 * the next thing wanted, or the same thing changed, gets a new one.
 */
export function useIntent() {
  const current = useRef<{ body: string; key: string } | null>(null);
  return {
    keyFor(body: unknown): string {
      const text = JSON.stringify(body);
      if (current.current?.body !== text) current.current = { body: text, key: randomId() };
      return current.current.key;
    },
    done(): void {
      current.current = null;
    },
    failed(error: Error): void {
      if (nothingWasDone(error)) current.current = null;
    },
  };
}
