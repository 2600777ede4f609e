import { GatewayError } from '../lib/errors.ts';
import { hashSecret, newSecret } from '../lib/ids.ts';
import { type DialectName, LOGINS, SECRET_BYTES } from './dialects.ts';
import type { Profile } from './profile.ts';
import type { Terminal } from './registry.ts';

type Named = Pick<Terminal, 'id' | 'connection' | 'profile' | 'secretHash' | 'previousHash'>;

/** What a terminal is called in its dialect: its id, where its connection does not say otherwise. */
export const nameOf = ({ id, connection }: Pick<Terminal, 'id' | 'connection'>): string =>
  (connection.type === 'mqtt' ? connection.name : undefined) ?? id;

const named = (dialect: DialectName, name: string): string => `name ${dialect} ${name}`;
const behind = (via: string, dialect: DialectName, name: string): string => `via ${via} ${dialect} ${name}`;
const token = (hash: string): string => `token ${hash}`;

/** What to type into the device. Where it signs, the password is the device secret that it signs with. */
export function credentialsOf(terminal: Pick<Terminal, 'id' | 'connection' | 'profile'>, secret: string) {
  const login = LOGINS[terminal.profile.dialect];
  if (login === 'token') return { username: secret, password: '' };
  return { username: login === 'signature' ? nameOf(terminal) : terminal.id, password: secret };
}

/** A new secret, as long as the terminal's firmware takes. */
export const newSecretFor = ({ dialect }: Profile): string =>
  dialect === 'hearthgate' ? newSecret() : newSecret(SECRET_BYTES);

/** A token is all that a terminal shows, so nobody may guess it. */
const SHORTEST_TOKEN = 16;

/** The secret of a new terminal; null for one that connects to nobody. Throws when it may not bring its own. */
export function secretFor(
  profile: Profile,
  connection: Terminal['connection'],
  given: string | undefined,
): string | null {
  if (given === undefined) return connection.type === 'mqtt' ? newSecretFor(profile) : null;
  if (connection.type !== 'mqtt' || profile.dialect === 'hearthgate') {
    throw new GatewayError('invalid_request', 'Only a terminal of another MQTT dialect brings its secret');
  }
  if (LOGINS[profile.dialect] === 'token' && given.length < SHORTEST_TOKEN) {
    throw new GatewayError('invalid_request', `A token has at least ${SHORTEST_TOKEN} characters`);
  }
  return given;
}

/** The keys under which a terminal is found when it does not show its id. */
function keysOf(terminal: Named): string[] {
  const { connection, profile } = terminal;
  if (connection.type !== 'mqtt' || profile.dialect === 'hearthgate') return [];
  const { dialect } = profile;
  const keys: string[] = [];
  if (LOGINS[dialect] === 'signature') keys.push(named(dialect, nameOf(terminal)));
  const hashes = [terminal.secretHash, terminal.previousHash].filter((hash) => hash !== null);
  if (LOGINS[dialect] === 'token') keys.push(...hashes.map(token));
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
    named: (dialect: DialectName, name: string): string | undefined => ids.get(named(dialect, name)),
    behind: (via: string, dialect: DialectName, name: string): string | undefined =>
      ids.get(behind(via, dialect, name)),
    /** Looked up by its hash, so that the time that it takes tells nothing of other tokens. */
    withToken: (secret: string): string | undefined => ids.get(token(hashSecret(secret))),
  };
}
