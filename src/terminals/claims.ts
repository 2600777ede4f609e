import { randomBytes } from 'node:crypto';
import type { Caller } from '../areas/scope.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../db/database.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { hashSecret, sameHash } from '../lib/ids.ts';
import { hashesOf } from './broker-hash.ts';
import { auditOfTerminal, NO_CLAIM, NOBODYS, type ProvisioningLimits } from './credentials.ts';
import type { TerminalMemory } from './memory.ts';
import type { Placement } from './placement.ts';
import type { Happening, Terminal } from './registry.ts';
import type { SealedSecrets } from './sealed-secrets.ts';
import { troubles } from './troubles.ts';
import { newSecretFor } from './wire-names.ts';

/** A terminal that waits is claimed by who stands before it: the code on its label shows that. */

/** Letters and digits that nobody takes for each other (Crockford's base 32). */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CODE_LENGTH = 20;
const GROUP = /.{5}(?=.)/g;

/** 100 random bits, as a person reads them aloud: `7K3QF-9XW2M-…`. */
export function newClaimCode(): string {
  const letters = Array.from(randomBytes(CODE_LENGTH), (byte) => LETTERS[byte % LETTERS.length]);
  return letters.join('').replace(GROUP, '$&-');
}

/** However it was typed: small letters, without dashes, O for 0. */
function oneCodeSpelling(typed: string): string {
  const plain = typed.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  return plain.replace(GROUP, '$&-');
}

/** What the QR code on the label says. */
export const claimText = (id: string, code: string): string =>
  `hearthgate:claim?id=${encodeURIComponent(id)}&code=${encodeURIComponent(code)}`;

export interface Claim {
  id: string;
  code: string;
  householdId?: string | undefined;
  accountNo?: string | undefined;
  installedAt?: number | undefined;
}

export function createClaims(parts: {
  db: Database;
  clock: Clock;
  audit: Audit;
  memory: TerminalMemory;
  sealedSecrets: SealedSecrets;
  placement: Placement;
  limits: ProvisioningLimits;
  get: (caller: Caller, id: string) => Terminal;
  reload: (id: string, happening: Happening) => Promise<Terminal>;
  alone: <T>(task: () => Promise<T>) => Promise<T>;
}) {
  const { db, clock, audit, memory, sealedSecrets, placement, limits, get, reload, alone } = parts;

  /** Compared in constant time; of an id that nobody has, of another code, and of one that was used, the same is said. */
  function waiting(id: string, code: string): Terminal {
    const terminal = memory.terminals.get(id);
    const fits = sameHash(hashSecret(oneCodeSpelling(code)), terminal?.claimHash ?? NOBODYS);
    if (!fits || !terminal || terminal.claimHash === null) throw new GatewayError('wrong_claim');
    return terminal;
  }

  return {
    /** A new code for a terminal that waits, given this once; the one before ends. */
    async renew(caller: Caller, id: string): Promise<{ code: string; until: number }> {
      const code = newClaimCode();
      const until = clock.now() + limits.claimMs;
      if (get(caller, id).unclaimedSince === null) throw troubles.wasClaimed(id);
      await db.transaction().execute(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable('terminals')
          .set({ claimHash: hashSecret(code), claimUntil: until })
          .where('id', '=', id)
          .where('unclaimedSince', 'is not', null)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) throw troubles.wasClaimed(id);
        await audit.record(transaction, auditOfTerminal(caller, 'claim_code_changed', id, { until }));
      });
      await memory.reload([id]);
      return { code, until };
    },

    /**
     * Binds a waiting terminal to a household of the caller's and lets it in. One without a secret gets it now, given this once.
     * Throws `wrong_claim`, `wrong_state` for a code that is too old, and what a wrong household throws, after which the code still works.
     */
    claim(caller: Caller, claim: Claim): Promise<{ terminal: Terminal; secret: string | null }> {
      return alone(async () => {
        const terminal = waiting(claim.id, claim.code);
        const { id, companyId, claimHash, claimUntil, installedAt } = terminal;
        if ((claimUntil ?? 0) <= clock.now())
          throw new GatewayError('wrong_state', { zh: '认领码已过期', en: 'The code has expired' });
        const place = await placement.placeOfHousehold(caller, claim);
        if (companyId !== null && companyId !== place.companyId) throw new GatewayError('wrong_claim');
        const secret = terminal.secretHash === null ? newSecretFor(terminal.profile) : null;
        const kept = await db.transaction().execute(async (transaction) => {
          const { numUpdatedRows } = await transaction
            .updateTable('terminals')
            .set({
              ...place,
              ...(secret !== null && hashesOf(secret)),
              installedAt: claim.installedAt ?? installedAt,
              ...NO_CLAIM,
            })
            .where('id', '=', id)
            .where('claimHash', '=', claimHash)
            .executeTakeFirstOrThrow();
          if (numUpdatedRows === 0n) throw new GatewayError('wrong_claim');
          const keep = secret === null ? undefined : await sealedSecrets.keep(transaction, terminal, secret);
          const { householdId } = place;
          await audit.record(transaction, {
            ...auditOfTerminal(caller, 'terminal_claimed', id, { householdId, secretMade: secret !== null }),
            companyId: place.companyId,
          });
          return keep;
        });
        kept?.();
        return { terminal: await reload(id, 'changed'), secret };
      });
    },
  };
}
