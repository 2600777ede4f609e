import type { Text } from '../lib/text.ts';

/** What the doctor says of one thing. */

/** `warn`: it works, and somebody should look; `fail`: the gateway does not start, or cannot do its work. */
export type FindingState = 'ok' | 'warn' | 'fail';

export interface Finding {
  /** Stable, for programs. */
  name: string;
  state: FindingState;
  detail: Text;
  /** What a person can do about it; null when it is ok. */
  remedy: Text | null;
}

export const ok = (name: string, detail: Text): Finding => ({ name, state: 'ok', detail, remedy: null });
export const warn = (name: string, detail: Text, remedy: Text): Finding => ({ name, state: 'warn', detail, remedy });
export const fail = (name: string, detail: Text, remedy: Text): Finding => ({ name, state: 'fail', detail, remedy });

/** On one line. */
export const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message || ('code' in error ? String(error.code) : error.name) : String(error))
    .trim()
    .replace(/\s*\n\s*/g, '; ');
