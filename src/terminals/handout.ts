import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Caller } from '../areas/scope.ts';
import type { Audit, AuditEntry } from '../audit/audit.ts';
import type { Database } from '../db/database.ts';
import type { Imports } from '../imports/imports.ts';
import { rfc3339 } from '../lib/calendar.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { hashSecret } from '../lib/ids.ts';
import { hashesOf } from './broker-hash.ts';
import { claimText, newClaimCode } from './claims.ts';
import { createImportRows } from './import-write.ts';
import type { Registry, Terminal } from './registry.ts';
import type { SealedSecrets } from './sealed-secrets.ts';
import { credentialsOf, newSecretFor } from './wire-names.ts';

/**
 * The credentials of an import, once: they are made while they are handed out, so none lies anywhere in clear before. Cut off in the middle it
 * can be asked for again, and gives those that were not made yet.
 */

interface Given {
  terminal: Terminal;
  secret: string | null;
  code: string | null;
}

export function createHandout(parts: {
  db: Database;
  clock: Clock;
  audit: Audit;
  registry: Registry;
  sealedSecrets: SealedSecrets;
  imports: Imports;
  claimMs: number;
}) {
  const { db, clock, audit, registry, sealedSecrets, imports, claimMs } = parts;
  const { memory } = registry.bulk;
  const rows = createImportRows(db);
  const underWay = new Set<string>();

  const lacksSecret = ({ connection, secretHash }: Terminal) => connection.type === 'mqtt' && secretHash === null;
  const lacksCode = ({ unclaimedSince, claimHash }: Terminal) => unclaimedSince !== null && claimHash === null;

  /** A terminal that got its secret in another way meanwhile keeps that. */
  async function make(ids: string[], entry: Omit<AuditEntry, 'action' | 'detail'>): Promise<Given[]> {
    const lacking = ids
      .flatMap((id) => memory.terminals.get(id) ?? [])
      .filter((one) => lacksSecret(one) || lacksCode(one));
    if (lacking.length === 0) return [];
    const given = lacking.map((terminal) => ({
      terminal,
      secret: lacksSecret(terminal) ? newSecretFor(terminal.profile) : null,
      code: lacksCode(terminal) ? newClaimCode() : null,
    }));
    const values = given.map(({ terminal, secret, code }) => {
      const { secretHash, brokerHash } = hashesOf(secret);
      return sql`(${terminal.id}, ${secretHash}, ${code && hashSecret(code)}, ${brokerHash})`;
    });
    // Both databases call the columns of VALUES so.
    const kept = await db.transaction().execute(async (transaction) => {
      await sql`with given as (values ${sql.join(values)})
      update terminals set broker_hash = case when secret_hash is null then given.column4 else broker_hash end,
        secret_hash = coalesce(secret_hash, given.column2), claim_hash = coalesce(given.column3, claim_hash),
        claim_until = case when given.column3 is null then claim_until else cast(${clock.now() + claimMs} as bigint) end
      from given where terminals.id = given.column1`.execute(transaction);
      const keeps = await Promise.all(
        given.map(({ terminal, secret }) =>
          secret === null ? undefined : sealedSecrets.keep(transaction, terminal, secret),
        ),
      );
      const detail = { terminals: given.map(({ terminal }) => terminal.id) };
      await audit.record(transaction, { ...entry, action: 'secrets_handed_out', detail });
      return keeps;
    });
    for (const done of kept) done?.();
    await memory.reload(given.map(({ terminal }) => terminal.id));
    return given;
  }

  function lineOf({ terminal, secret, code }: Given, until: string): string {
    const { id } = terminal;
    const { username, password } = secret === null ? { username: '', password: '' } : credentialsOf(terminal, secret);
    const claim = code === null ? ['', '', ''] : [code, claimText(id, code), until];
    return [id, username, password, ...claim].join(',');
  }

  async function* lines(id: string, by: Omit<AuditEntry, 'action' | 'detail'>): AsyncGenerator<string> {
    yield 'terminal,username,password,claim_code,qr_text,claim_until\n';
    for await (const ids of rows.idsOf(id)) {
      const given = await make(ids, by);
      const until = rfc3339(clock.now() + claimMs);
      if (given.length > 0) yield `${given.map((one) => lineOf(one, until)).join('\n')}\n`;
      await nextTurn();
    }
    await db.updateTable('imports').set({ exportedAt: clock.now() }).where('id', '=', id).execute();
  }

  /** Lines of CSV, for who asked for the import and within its time; `end` when they were sent. Throws `forbidden` and `wrong_state`. */
  return async (caller: Caller, id: string): Promise<{ lines: AsyncGenerator<string>; end: () => void }> => {
    const { state, dryRun, requestedBy, exportUntil, exportedAt, companyId } = await imports.get(caller, id);
    if (requestedBy !== caller.id)
      throw new GatewayError('forbidden', {
        zh: '只有导入的人才能取得凭据',
        en: 'Only who imported them gets their credentials',
      });
    if (state !== 'done' || dryRun)
      throw new GatewayError('wrong_state', { zh: '这次导入没有新建终端', en: 'This import made no terminals' });
    if (exportedAt !== null)
      throw new GatewayError('wrong_state', { zh: '凭据已经取走', en: 'They were handed out already' });
    if ((exportUntil ?? 0) <= clock.now())
      throw new GatewayError('wrong_state', { zh: '领取期限已过', en: 'The time for it is over' });
    if (underWay.has(id)) throw new GatewayError('wrong_state', { zh: '正在领取', en: 'They are being handed out' });
    underWay.add(id);
    const by = { actor: caller.name, subject: id, companyId };
    return { lines: lines(id, by), end: () => void underWay.delete(id) };
  };
}
export type Handout = ReturnType<typeof createHandout>;
