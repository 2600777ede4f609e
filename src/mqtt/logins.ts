import type { SecurityKind } from '../db/schema.ts';
import type { Clock } from '../lib/clock.ts';
import { createTally } from '../lib/limits.ts';
import type { RecordSecurity } from '../security/security-events.ts';
import type { Registry, Terminal } from '../terminals/registry.ts';
import type { SealedSecrets } from '../terminals/sealed-secrets.ts';
import { type Connect, RETURN_CODES, type ReturnCode } from './connect.ts';
import { dialectOf, whoIs } from './dialects/dialects.ts';
import type { Inbox } from './inbox.ts';

/** Who a client is. Nobody is locked out by what others try: right credentials are always looked at. */

export interface LoginLimits {
  /** Wrong ones of an address for one terminal; those after are answered late. Ten times as many for all terminals of the address. */
  wrongPerMinute: number;
  /** Logins of a terminal, and logins that took the place of a connection; above either it is kept out. */
  perMinute: number;
  takeoversPerMinute: number;
  banMinutes: number;
}

export type Login = { terminalId: string } | { returnCode: ReturnCode; delayMs: number };

const MINUTE_MS = 60_000;
const NAMES_AN_ADDRESS = 10;
const LATE_MS = 3_000;

interface Refusal {
  kind: SecurityKind;
  returnCode: ReturnCode;
  detail: string;
}

const UNKNOWN: Refusal = {
  kind: 'wrong_credentials',
  returnCode: RETURN_CODES.bad_credentials,
  detail: 'unknown terminal or wrong secret',
};

export function createLogins(
  limits: LoginLimits,
  parts: {
    registry: Registry;
    sealedSecrets: SealedSecrets;
    inbox: Inbox;
    clock: Clock;
    record: RecordSecurity;
    /** The address of the terminal's present connection. */
    connectedFrom: (terminalId: string) => string | undefined;
  },
) {
  const { registry, sealedSecrets, inbox, clock, record, connectedFrom } = parts;
  const windowMs = MINUTE_MS;
  const wrong = createTally({ clock, windowMs });
  const logins = createTally({ clock, windowMs });
  const takeovers = createTally({ clock, windowMs });
  const bannedUntil = new Map<string, number>();

  /** The terminal whose credentials these are: a certificate's common name proves it, or the secret does. */
  function proven(
    { clientId, username = '', password }: Connect,
    commonName: string | undefined,
  ): Terminal | undefined {
    if (commonName !== undefined) {
      const terminal = registry.find(commonName);
      return terminal?.unclaimedSince === null ? terminal : undefined;
    }
    const secret = password?.toString('utf8') ?? '';
    const own = registry.find(username);
    // First, since a token of another dialect may be any text, also the id of this terminal.
    if (own && !dialectOf(own.profile)) return secret !== '' && registry.secretFits(own.id, secret) ? own : undefined;
    return whoIs({ clientId, username, password: secret }, { registry, sealedSecrets, now: clock.now() });
  }

  function isBanned(id: string): boolean {
    const until = bannedUntil.get(id);
    if (until !== undefined && until <= clock.ticks()) bannedUntil.delete(id);
    return bannedUntil.has(id);
  }

  const ban = (id: string) => bannedUntil.set(id, clock.ticks() + limits.banMinutes * MINUTE_MS);

  /** One that connects again and again costs the others, and two with the same secret throw each other out for ever. */
  function flaps(id: string, address: string): string | undefined {
    const before = connectedFrom(id);
    // One that nobody is connected as is in nobody's way, unless it comes too often.
    if (isBanned(id)) return before === undefined && logins.add(id) <= limits.perMinute ? undefined : 'kept out';
    if (logins.add(id) > limits.perMinute) {
      ban(id);
      return `more than ${limits.perMinute} logins in a minute`;
    }
    if (before === undefined) return undefined;
    record({ kind: 'takeover', terminalId: id, address, detail: `was connected from ${before}` });
    if (takeovers.add(id) <= limits.takeoversPerMinute) return undefined;
    ban(id);
    return `took the place of its other connection more than ${limits.takeoversPerMinute} times in a minute`;
  }

  function refusalOf(connect: Connect, terminal: Terminal | undefined, address: string): Refusal | undefined {
    if (terminal === undefined) return UNKNOWN;
    const { id } = terminal;
    // Other dialects say by other names who they are.
    const namesItself = connect.clientId === id && (connect.username ?? id) === id;
    if (!namesItself && !dialectOf(terminal.profile)) {
      const detail = `says to be ${connect.clientId.slice(0, 64)} with the credentials of ${id}`;
      return { kind: 'wrong_id', returnCode: RETURN_CODES.identifier_rejected, detail };
    }
    if (connect.will && !inbox.mayPublish(id, connect.will.topic)) {
      const detail = `a will on ${connect.will.topic.slice(0, 100)}`;
      return { kind: 'foreign_topic', returnCode: RETURN_CODES.not_authorized, detail };
    }
    const flapping = flaps(id, address);
    return flapping ? { kind: 'flapping', returnCode: RETURN_CODES.unavailable, detail: flapping } : undefined;
  }

  /** How long the answer to wrong credentials waits. */
  function lateBy(address: string, username: string): number {
    const ofOne = wrong.add(`${address} ${username}`);
    const ofAll = wrong.add(address);
    return ofOne > limits.wrongPerMinute || ofAll > limits.wrongPerMinute * NAMES_AN_ADDRESS ? LATE_MS : 0;
  }

  return {
    /** `commonName` is that of a certificate which a trusted authority has signed. */
    check(connect: Connect, address: string, commonName: string | undefined): Login {
      const terminal = proven(connect, commonName);
      const refusal = refusalOf(connect, terminal, address);
      if (terminal && !refusal) return { terminalId: terminal.id };
      const { kind, returnCode, detail } = refusal ?? UNKNOWN;
      // Not the user name, which is a secret in some dialects.
      const said = terminal?.id ?? commonName ?? connect.clientId;
      record({ kind, terminalId: said.slice(0, 64) || null, address, detail });
      return { returnCode, delayMs: kind === 'wrong_credentials' ? lateBy(address, said) : 0 };
    },
  };
}
export type Logins = ReturnType<typeof createLogins>;
