import { hashSecret } from '../lib/ids.ts';
import { type Dialect, LOGINS } from './dialects.ts';
import type { Terminal } from './registry.ts';

type Named = Pick<Terminal, 'id' | 'connection' | 'profile' | 'secretHash'>;

/** What a terminal is called in its dialect: its id, where its connection does not say otherwise. */
export const nameOf = ({ id, connection }: Pick<Terminal, 'id' | 'connection'>): string =>
  (connection.type === 'mqtt' ? connection.name : undefined) ?? id;

const named = (dialect: Dialect, name: string): string => `name ${dialect} ${name}`;
const behind = (via: string, dialect: Dialect, name: string): string => `via ${via} ${dialect} ${name}`;
const token = (hash: string): string => `token ${hash}`;

/** The keys under which a terminal is found when it does not show its id. */
function keysOf(terminal: Named): string[] {
  const { connection, profile, secretHash } = terminal;
  if (connection.type !== 'mqtt' || profile.dialect === 'hearthgate') return [];
  const { dialect } = profile;
  const keys: string[] = [];
  if (LOGINS[dialect] === 'signature') keys.push(named(dialect, nameOf(terminal)));
  if (LOGINS[dialect] === 'token' && secretHash !== null) keys.push(token(secretHash));
  if (connection.via !== undefined) keys.push(behind(connection.via, dialect, nameOf(terminal)));
  return keys;
}

/** Terminals of other dialects by what they show on the wire, each name once. */
export function createWireNames() {
  const ids = new Map<string, string>();
  const keysById = new Map<string, string[]>();

  function drop(id: string): void {
    for (const key of keysById.get(id) ?? []) if (ids.get(key) === id) ids.delete(key);
    keysById.delete(id);
  }

  return {
    drop,
    put(terminal: Terminal): void {
      drop(terminal.id);
      const keys = keysOf(terminal);
      if (keys.length === 0) return;
      keysById.set(terminal.id, keys);
      for (const key of keys) ids.set(key, terminal.id);
    },
    /** Another terminal that is found by the same name or secret. */
    taken(terminal: Named): string | undefined {
      return keysOf(terminal)
        .map((key) => ids.get(key))
        .find((id) => id !== undefined && id !== terminal.id);
    },
    named: (dialect: Dialect, name: string): string | undefined => ids.get(named(dialect, name)),
    behind: (via: string, dialect: Dialect, name: string): string | undefined => ids.get(behind(via, dialect, name)),
    /** Looked up by its hash, so that the time that it takes tells nothing of other tokens. */
    withToken: (secret: string): string | undefined => ids.get(token(hashSecret(secret))),
  };
}
