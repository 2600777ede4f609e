import type { SecurityKind } from '../db/schema.ts';
import type { Clock } from '../lib/clock.ts';
import { createTally } from '../lib/limits.ts';
import type { RecordSecurity } from '../security/security-events.ts';
import type { Registry } from '../terminals/registry.ts';
import { type Connect, RETURN_CODES, type ReturnCode } from './connect.ts';
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

export function createLogins(
  limits: LoginLimits,
  parts: {
    registry: Registry;
    inbox: Inbox;
    clock: Clock;
    record: RecordSecurity;
    /** The address of the terminal's present connection. */
    connectedFrom: (terminalId: string) => string | undefined;
  },
) {
  const { registry, inbox, clock, record, connectedFrom } = parts;
  const windowMs = MINUTE_MS;
  const wrong = createTally({ clock, windowMs });
  const logins = createTally({ clock, windowMs });
  const takeovers = createTally({ clock, windowMs });
  const bannedUntil = new Map<string, number>();

  /** The terminal whose credentials these are: a certificate's common name proves it, or the secret does. */
  function provenId({ username, password }: Connect, commonName: string | undefined): string | undefined {
    if (commonName !== undefined) return registry.find(commonName)?.id;
    const proven = username && password && registry.secretFits(username, password.toString('utf8'));
    return proven ? username : undefined;
  }

  function isBanned(id: string): boolean {
    const until = bannedUntil.get(id);
    if (until !== undefined && until <= clock.now()) bannedUntil.delete(id);
    return bannedUntil.has(id);
  }

  const ban = (id: string) => bannedUntil.set(id, clock.now() + limits.banMinutes * MINUTE_MS);

  /** One that connects again and again costs the others, and two with the same secret throw each other out for ever. */
  function flaps(id: string, address: string): string | undefined {
    const before = connectedFrom(id);
    if (isBanned(id)) return before === undefined && logins.count(id) < limits.perMinute ? undefined : 'kept out';
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

  function refusalOf(connect: Connect, id: string | undefined, address: string): Refusal | undefined {
    if (id === undefined) {
      return {
        kind: 'wrong_credentials',
        returnCode: RETURN_CODES.bad_credentials,
        detail: 'unknown terminal or wrong secret',
      };
    }
    if (connect.clientId !== id || (connect.username ?? id) !== id) {
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
      const id = provenId(connect, commonName);
      const refusal = refusalOf(connect, id, address);
      if (!refusal) return { terminalId: id ?? '' };
      const { kind, returnCode, detail } = refusal;
      const said = id ?? commonName ?? connect.username ?? connect.clientId;
      record({ kind, terminalId: said.slice(0, 64) || null, address, detail });
      return { returnCode, delayMs: kind === 'wrong_credentials' ? lateBy(address, said) : 0 };
    },
  };
}
export type Logins = ReturnType<typeof createLogins>;
