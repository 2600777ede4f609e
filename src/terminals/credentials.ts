import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Caller } from '../areas/scope.ts';
import type { Audit, AuditEntry } from '../audit/audit.ts';
import type { Database } from '../db/database.ts';
import type { AuditAction } from '../db/schema-audit.ts';
import { chunksOf } from '../lib/chunks.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { hashSecret, sameHash } from '../lib/ids.ts';
import { hashesOf } from './broker-hash.ts';
import { LOGINS } from './dialects.ts';
import type { TerminalMemory } from './memory.ts';
import type { Terminal, Told } from './registry.ts';
import type { SealedSecrets } from './sealed-secrets.ts';
import { newSecretFor } from './wire-names.ts';

/**
 * The secrets of MQTT terminals, of which one round of SHA-256 is kept. Those that are made here have 256 random bits, 192 where firmware takes
 * no more, and nobody finds them from their hash; one that a device brings is as good as its maker chose it.
 */

export interface ProvisioningLimits {
  /** How long the old secret works beside the new one, unless that is used before. */
  rotationMs: number;
  /** How long a claim code works. */
  claimMs: number;
}

const DAY_MS = 86_400_000;
export const USUAL_LIMITS: ProvisioningLimits = { rotationMs: DAY_MS, claimMs: 180 * DAY_MS };

const NO_PREVIOUS = { previousHash: null, previousUntil: null };
/** What a terminal has whose credentials were revoked, */
const NO_SECRET = { secretHash: null, brokerHash: null, ...NO_PREVIOUS };
/** one that waits for nobody, */
export const NO_CLAIM = { unclaimedSince: null, claimHash: null, claimUntil: null };
/** and one that was removed. */
export const NO_CREDENTIALS = { ...NO_SECRET, ...NO_CLAIM, importId: null };

/** Terminals that are revoked in one go: all of a company are many. */
const CHUNK = 500;

/** For ids that nobody has, so that they cost the same time. */
export const NOBODYS = hashSecret('');

export interface CredentialState {
  /** `rotating`: a new secret was made, and the old one still works. */
  state: 'none' | 'set' | 'rotating';
  previousUntil: number | null;
}

/** What the audit says of a terminal's secret or code: that it is another, never what it is. */
export const auditOfTerminal = (
  { name }: Caller,
  action: AuditAction,
  id: string,
  detail: Record<string, unknown> = {},
): AuditEntry => ({ actor: name, action, subject: id, terminalId: id, detail });

export function createCredentials(parts: {
  db: Database;
  clock: Clock;
  audit: Audit;
  memory: TerminalMemory;
  sealedSecrets: SealedSecrets;
  get: (caller: Caller, id: string) => Terminal;
  onChange: Told;
  limits: ProvisioningLimits;
}) {
  const { db, clock, audit, memory, sealedSecrets, get, onChange, limits } = parts;
  /** Of these the new secret was used; their rows do not say so yet. */
  const used = new Set<string>();

  function mqtt(caller: Caller, id: string): Terminal {
    const terminal = get(caller, id);
    if (terminal.connection.type !== 'mqtt')
      throw new GatewayError('wrong_state', { zh: '线路上的设备没有密钥', en: 'A device on a line has no secret' });
    return terminal;
  }

  /** The secret before the newest, while it works. */
  const previousOf = ({ id, previousHash, previousUntil }: Terminal): string | undefined =>
    previousHash !== null && (previousUntil ?? 0) > clock.now() && !used.has(id) ? previousHash : undefined;

  async function revoke(caller: Caller, ids: string[]): Promise<void> {
    await db.transaction().execute(async (transaction) => {
      await transaction.updateTable('terminals').set(NO_SECRET).where('id', 'in', ids).execute();
      await audit.record(transaction, ...ids.map((id) => auditOfTerminal(caller, 'secret_revoked', id)));
    });
    for (const id of ids) await sealedSecrets.forget(id);
    await memory.reload(ids);
    for (const id of ids) await onChange(id, 'revoked');
  }

  return {
    /** Whether this is the terminal's secret; compared in constant time. The first use of a new one ends the one before. */
    fits(id: string, secret: string): boolean {
      const terminal = memory.terminals.get(id);
      const hash = hashSecret(secret);
      const isNewest = sameHash(hash, terminal?.secretHash ?? NOBODYS) && typeof terminal?.secretHash === 'string';
      const previous = terminal && previousOf(terminal);
      const isPrevious = sameHash(hash, previous ?? NOBODYS) && previous !== undefined;
      if (terminal === undefined || terminal.unclaimedSince !== null) return false;
      if (isNewest && terminal.previousHash !== null) used.add(id);
      return isNewest || isPrevious;
    },

    state(caller: Caller, id: string): CredentialState {
      const terminal = mqtt(caller, id);
      if (previousOf(terminal) !== undefined) return { state: 'rotating', previousUntil: terminal.previousUntil };
      return { state: terminal.secretHash === null ? 'none' : 'set', previousUntil: null };
    },

    /**
     * A new secret, given this once. One that a terminal signs with takes the place of the one before at once. Rotated again before the new one was used, the terminal's own
     * still is the one before.
     */
    async rotate(caller: Caller, id: string): Promise<{ secret: string; previousUntil: number | null }> {
      const terminal = mqtt(caller, id);
      const secret = newSecretFor(terminal.profile);
      const signs = LOGINS[terminal.profile.dialect] === 'signature';
      const previousHash = signs ? null : (previousOf(terminal) ?? terminal.secretHash);
      const previousUntil = previousHash === null ? null : clock.now() + limits.rotationMs;
      const kept = await db.transaction().execute(async (transaction) => {
        await transaction
          .updateTable('terminals')
          .set({ ...hashesOf(secret), previousHash, previousUntil })
          .where('id', '=', id)
          .execute();
        const keep = await sealedSecrets.keep(transaction, terminal, secret);
        await audit.record(transaction, auditOfTerminal(caller, 'secret_changed', id, { previousUntil }));
        return keep;
      });
      kept();
      used.delete(id);
      await memory.reload([id]);
      return { secret, previousUntil };
    },

    /** No secret opens anything any more, and who is connected is cut. */
    async revoke(caller: Caller, id: string): Promise<void> {
      mqtt(caller, id);
      await revoke(caller, [id]);
    },

    /** The same for every terminal of a company; gives how many had a secret. */
    async revokeCompany(caller: Caller, companyId: string): Promise<number> {
      const ids = [...memory.terminals.values()]
        .filter((terminal) => terminal.companyId === companyId && terminal.secretHash !== null)
        .map(({ id }) => id);
      for (const some of chunksOf(ids, CHUNK)) {
        await revoke(caller, some);
        await nextTurn();
      }
      return ids.length;
    },

    /** Ends old secrets: those whose successor was used, and those whose time is over, together with connections made by them. */
    async sweep(): Promise<void> {
      const now = clock.now();
      for (const terminal of memory.terminals.values()) {
        if (terminal.previousHash === null) continue;
        const { id, secretHash } = terminal;
        const wasUsed = used.has(id);
        if (!wasUsed && (terminal.previousUntil ?? 0) > now) continue;
        await db
          .updateTable('terminals')
          .set(NO_PREVIOUS)
          .where('id', '=', id)
          .where('secretHash', '=', secretHash)
          .execute();
        await memory.reload([id]);
        used.delete(id);
        if (!wasUsed) await onChange(id, 'revoked');
        // After a power cut thousands come back at once, each with its new secret.
        await nextTurn();
      }
    },
  };
}
