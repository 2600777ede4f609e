import { type Caller, type Place, sees } from '../areas/scope.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../db/database.ts';
import type { Page } from '../db/page.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { hashSecret } from '../lib/ids.ts';
import { createTurns } from '../lib/turns.ts';
import { hashesOf } from './broker-hash.ts';
import { createClaims, newClaimCode } from './claims.ts';
import { createCredentials, NO_CREDENTIALS, type ProvisioningLimits, USUAL_LIMITS } from './credentials.ts';
import type { DialectName } from './dialects.ts';
import { createLineChange } from './line-change.ts';
import type { Line, MeterLine } from './lines.ts';
import { happened, loadTerminals } from './memory.ts';
import { createPlacement, oneSpelling } from './placement.ts';
import type { Profile } from './profile.ts';
import type { SealedSecrets } from './sealed-secrets.ts';
import { troubles } from './troubles.ts';
import { secretFor } from './wire-names.ts';

/** How a terminal is reached. */
export type Connection =
  /** `name` is what it is called in another dialect, where that is not its id; `address` the number of a meter whose frames it sends. */
  | { type: 'mqtt'; via?: string | undefined; name?: string | undefined; address?: string | undefined }
  | { type: 'modbus'; line: Line; unit: number }
  /** `address` is the number that is printed on the meter. */
  | { type: 'meter'; line: MeterLine; address: string };

/** A terminal: the device with an address on a wire. */
export interface Terminal extends Place {
  id: string;
  profile: Profile;
  householdName: string | null;
  connection: Connection;
  secretHash: string | null;
  /** The same secret in the form that Mosquitto keeps; null when it was made before that was kept. */
  brokerHash: string | null;
  previousHash: string | null;
  /** Until when the secret before works. Epoch ms. */
  previousUntil: number | null;
  /** Since when it waits to be claimed; nobody can connect as it. Epoch ms. */
  unclaimedSince: number | null;
  claimHash: string | null;
  claimUntil: number | null;
  /** Since when it stands in its household, when it stood elsewhere before. Epoch ms. */
  householdSince: number | null;
  /** A reading before this is refused. Epoch ms. */
  installedAt: number | null;
  createdAt: number;
}

export interface NewTerminal {
  id: string;
  profile: string;
  householdId?: string | undefined;
  areaCode?: string | undefined;
  connection: Connection;
  /** The secret that a device of another dialect has already. */
  secret?: string | undefined;
  installedAt?: number | null | undefined;
  unclaimed?: boolean | undefined;
}

/** What is shown this once: the secret of an MQTT terminal, and the code of one that is to be claimed. */
export interface CreatedTerminal {
  terminal: Terminal;
  secret: string | null;
  code: string | null;
}

export interface TerminalChange {
  householdId?: string | null | undefined;
  areaCode?: string | undefined;
  connection?: Connection | undefined;
  installedAt?: number | null | undefined;
}

export interface TerminalFilter extends Page {
  areaCode?: string | undefined;
  householdId?: string | undefined;
  profile?: string | undefined;
  search?: string | undefined;
}

/** What happened to a terminal. After `moved`, `revoked` and `removed` whoever was connected as it has no right to be any more. */
export type Happening = 'added' | 'changed' | 'moved' | 'revoked' | 'removed';
export type Told = (id: string, happening: Happening) => Promise<void> | void;

/** Changes that wait for an import to be written, which takes seconds. */
const MOST_CHANGES_WAITING = 1_000;

/**
 * All terminals, in memory: every message, poll and page asks here, and rows are written here, by what this opens, and by imports; only commands number themselves there.
 * `onChange` is told the id of each terminal that was added, changed or removed.
 */
export async function openRegistry(parts: {
  db: Database;
  clock: Clock;
  audit: Audit;
  profiles: Map<string, Profile>;
  sealedSecrets: SealedSecrets;
  onChange: Told;
  limits?: ProvisioningLimits;
  /** Where a company may point a Modbus line: addresses, ranges and names, with commas between. */
  modbusHosts?: string;
}) {
  const { db, clock, audit, profiles, sealedSecrets, onChange, limits = USUAL_LIMITS } = parts;
  const memory = await loadTerminals({ db, profiles });
  const { terminals, inOrder, wireNames, speaksFor } = memory;
  const placement = createPlacement({ db, memory, modbusHosts: parts.modbusHosts ?? '' });
  const { placeOf, checkConnection } = placement;
  /** What one change has checked, no other may change before it is written. */
  const alone = createTurns(MOST_CHANGES_WAITING);

  function get(caller: Caller, id: string): Terminal {
    const terminal = terminals.get(id);
    if (!terminal || !sees(caller, terminal)) throw new GatewayError('not_found');
    return terminal;
  }

  function oneName(terminal: Parameters<typeof wireNames.taken>[0]): void {
    const taken = wireNames.taken(terminal);
    if (taken !== undefined) throw troubles.taken();
  }

  async function reload(id: string, happening: Happening): Promise<Terminal> {
    const [terminal] = await memory.reload([id]);
    if (!terminal) throw new GatewayError('not_found');
    await onChange(id, happening);
    return terminal;
  }

  const credentials = createCredentials({ db, clock, audit, memory, sealedSecrets, get, onChange, limits });
  const claims = createClaims({ db, clock, audit, memory, sealedSecrets, get, reload, placement, alone, limits });

  return {
    credentials,
    claims,
    /** For imports, which write many terminals at once. */
    bulk: { memory, placement, alone, onChange },
    changeLine: createLineChange({ db, memory, alone, onChange }),
    get,
    /** Without asking who wants to know: for messages and polls. */
    find: (id: string): Terminal | undefined => terminals.get(id),
    all: (): Iterable<Terminal> => terminals.values(),
    slice: memory.slice,
    /** `shown` filters by what the registry does not know, such as the status. Items are in the order of their ids. */
    list(caller: Caller, filter: TerminalFilter, shown: (terminal: Terminal) => boolean = () => true) {
      const search = filter.search?.toLowerCase();
      const fits = (t: Terminal) =>
        sees(caller, t) &&
        (!filter.areaCode || (t.areaCode ?? '').startsWith(filter.areaCode)) &&
        (!filter.householdId || t.householdId === filter.householdId) &&
        (!filter.profile || t.profile.profile === filter.profile) &&
        (!search || t.id.toLowerCase().includes(search) || (t.householdName ?? '').toLowerCase().includes(search)) &&
        shown(t);
      const items: Terminal[] = [];
      for (const terminal of inOrder()) {
        if (terminal.id <= (filter.cursor ?? '') || !fits(terminal)) continue;
        if (items.length === filter.limit) return { items, nextCursor: items.at(-1)?.id ?? null };
        items.push(terminal);
      }
      return { items, nextCursor: null };
    },

    /**
     * The secret of an MQTT terminal, and the code of one that is to be claimed, are returned once and only their hashes are kept. An id
     * that was removed can be used again by the same company; its history stays with the company, and the new household sees its own
     * part of it only.
     */
    create(caller: Caller, request: NewTerminal): Promise<CreatedTerminal> {
      return alone(async () => {
        const { id } = request;
        const profile = profiles.get(request.profile);
        if (!profile) throw troubles.noProfile(request.profile);
        const asked = { householdId: request.householdId ?? null, areaCode: request.areaCode };
        const place = await placeOf(caller, asked, caller.companyId);
        const connection = oneSpelling(request.connection);
        checkConnection(caller, id, profile, connection);
        const waits = request.unclaimed === true;
        if (waits && (place.householdId !== null || connection.type !== 'mqtt')) {
          throw new GatewayError('invalid_request', 'Only an MQTT terminal without a household can wait to be claimed');
        }
        const secret = secretFor(profile, connection, request.secret);
        const hashes = hashesOf(secret);
        oneName({ id, profile, connection, secretHash: hashes.secretHash, previousHash: null });
        const code = waits ? newClaimCode() : null;
        const now = clock.now();
        const row = {
          ...NO_CREDENTIALS,
          profile: request.profile,
          ...place,
          connection: JSON.stringify(connection),
          ...hashes,
          ...(code !== null && { unclaimedSince: now, claimHash: hashSecret(code), claimUntil: now + limits.claimMs }),
          installedAt: request.installedAt ?? null,
          createdAt: now,
          removedAt: null,
        };
        const kept = await db.transaction().execute(async (transaction) => {
          const { numInsertedOrUpdatedRows } = await transaction
            .insertInto('terminals')
            .values({ id, ...row, commandSequence: 0, householdSince: null })
            .onConflict((conflict) =>
              conflict
                .column('id')
                .doUpdateSet({ ...row, householdSince: now })
                .where('terminals.removedAt', 'is not', null)
                .where('terminals.companyId', 'is not distinct from', place.companyId),
            )
            .executeTakeFirstOrThrow();
          if (numInsertedOrUpdatedRows === 0n) throw troubles.exists(id);
          return secret === null ? undefined : sealedSecrets.keep(transaction, { id, profile }, secret);
        });
        kept?.();
        return { terminal: await reload(id, 'added'), secret, code };
      });
    },

    update(caller: Caller, id: string, change: TerminalChange): Promise<Terminal> {
      return alone(async () => {
        const terminal = get(caller, id);
        const connection = oneSpelling(change.connection ?? terminal.connection);
        if (change.connection) checkConnection(caller, id, terminal.profile, connection);
        oneName({ ...terminal, connection });
        const householdId = change.householdId === undefined ? terminal.householdId : change.householdId;
        if (terminal.unclaimedSince !== null && householdId !== null) throw troubles.notClaimed(id);
        const areaCode =
          change.areaCode ?? (householdId === terminal.householdId ? terminal.areaCode : null) ?? undefined;
        const place = await placeOf(caller, { householdId, areaCode }, terminal.companyId);
        const householdSince = householdId === terminal.householdId ? terminal.householdSince : clock.now();
        const installedAt = change.installedAt === undefined ? terminal.installedAt : change.installedAt;
        await db
          .updateTable('terminals')
          .set({ ...place, householdSince, installedAt, connection: JSON.stringify(connection) })
          .where('id', '=', id)
          .execute();
        return reload(id, householdId === terminal.householdId ? 'changed' : 'moved');
      });
    },

    /** Its readings, commands and alarms stay. */
    remove(caller: Caller, id: string): Promise<void> {
      return alone(async () => {
        get(caller, id);
        const child = [...terminals.values()].find(
          ({ connection }) => connection.type === 'mqtt' && connection.via === id,
        );
        if (child) throw troubles.goesVia(child.id, id);
        await db
          .updateTable('terminals')
          .set({ ...NO_CREDENTIALS, removedAt: clock.now() })
          .where('id', '=', id)
          .execute();
        await sealedSecrets.forget(id);
        memory.drop(id);
        await onChange(id, 'removed');
      });
    },

    /** Reads terminals again that somebody else may have changed; without ids all of them. */
    async follow(ids?: string[]): Promise<void> {
      const before = new Map((ids ?? [...terminals.keys()]).map((id) => [id, terminals.get(id)]));
      const there = new Set((await memory.reload(ids)).map(({ id }) => id));
      for (const [id, known] of before) {
        if (there.has(id) || !known) continue;
        memory.drop(id);
        await onChange(id, 'removed');
      }
      for (const id of there) {
        const [known, now] = [before.get(id), terminals.get(id)];
        const happening = now && happened(known, now);
        if (happening) await onChange(id, happening);
      }
    },

    secretFits: credentials.fits,

    /** Terminals of other dialects, by what they show on the wire. */
    named(dialect: DialectName, name: string): string | undefined {
      const id = wireNames.named(dialect, name);
      return id !== undefined && terminals.get(id)?.unclaimedSince === null ? id : undefined;
    },
    withToken(secret: string): string | undefined {
      const id = wireNames.withToken(secret);
      return id !== undefined && credentials.fits(id, secret) ? id : undefined;
    },
    /** The terminal of the same dialect that a concentrator calls by this name, if it may speak for it. */
    behind(client: Terminal, name: string): Terminal | undefined {
      const terminal = terminals.get(wireNames.behind(client.id, client.profile.dialect, name) ?? '');
      return terminal && speaksFor(client.id, terminal) ? terminal : undefined;
    },

    speaksFor,
  };
}
export type Registry = Awaited<ReturnType<typeof openRegistry>>;
