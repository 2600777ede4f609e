import type { Kysely } from 'kysely';
import { type Caller, type Place, sees } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import type { Page } from '../db/page.ts';
import type { Tables, TerminalRow } from '../db/schema.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { hashSecret, newSecret, sameHash } from '../lib/ids.ts';
import { brokerHash } from './broker-hash.ts';
import { createPlacement, oneSpelling } from './placement.ts';
import type { Profile } from './profile.ts';

/** How a terminal is reached. */
export type Connection =
  | { type: 'mqtt'; via?: string | undefined }
  | { type: 'modbus'; line: { host: string; port: number }; unit: number };

/** A terminal: the device with an address on a wire. */
export interface Terminal extends Place {
  id: string;
  profile: Profile;
  householdName: string | null;
  connection: Connection;
  secretHash: string | null;
  /** The same secret in the form that Mosquitto keeps; null when it was made before that was kept. */
  brokerHash: string | null;
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
  installedAt?: number | null | undefined;
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

const rowsOf = (db: Kysely<Tables>) =>
  db
    .selectFrom('terminals')
    .leftJoin('households', 'households.id', 'terminals.householdId')
    .where('terminals.removedAt', 'is', null)
    .selectAll('terminals')
    .select('households.name as householdName');

/** All but the numbering of its commands. */
const textOf = (terminal: Terminal): string =>
  JSON.stringify({ ...terminal, profile: terminal.profile.profile, commandSequence: 0 });

/**
 * All terminals, in memory: every message, poll and page asks here, and only this module writes the rows.
 * `onChange` is told the id of each terminal that was added, changed or removed; `moved` when it no longer stands where it stood.
 */
export async function openRegistry(parts: {
  db: Database;
  clock: Clock;
  profiles: Map<string, Profile>;
  onChange: (id: string, moved: boolean) => Promise<void> | void;
}) {
  const { db, clock, profiles, onChange } = parts;
  const terminals = new Map<string, Terminal>();
  let sorted: Terminal[] | undefined;
  let sliced = 0;
  const { placeOf, checkConnection } = createPlacement({ db, terminals });

  function take(row: TerminalRow & { householdName: string | null }): Terminal {
    const profile = profiles.get(row.profile);
    if (!profile) throw new Error(`terminal ${row.id} has profile ${row.profile}, and there is no such file`);
    const terminal: Terminal = { ...row, profile, connection: JSON.parse(row.connection) as Connection };
    terminals.set(row.id, terminal);
    sorted = undefined;
    return terminal;
  }

  /** Sorted once after each change, not for each page. */
  function inOrder(): Terminal[] {
    sorted ??= [...terminals.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    return sorted;
  }

  for (const row of await rowsOf(db).orderBy('terminals.id').execute()) take(row);

  function get(caller: Caller, id: string): Terminal {
    const terminal = terminals.get(id);
    if (!terminal || !sees(caller, terminal)) throw new GatewayError('not_found');
    return terminal;
  }

  async function drop(id: string): Promise<void> {
    terminals.delete(id);
    sorted = undefined;
    await onChange(id, true);
  }

  async function reload(id: string, moved: boolean): Promise<Terminal> {
    const terminal = take(await rowsOf(db).where('terminals.id', '=', id).executeTakeFirstOrThrow());
    await onChange(id, moved);
    return terminal;
  }

  return {
    get,
    /** Without asking who wants to know: for messages and polls. */
    find: (id: string): Terminal | undefined => terminals.get(id),
    all: (): Iterable<Terminal> => terminals.values(),

    /** The next `count` terminals, beginning again after the last. */
    slice(count: number): Terminal[] {
      const part = inOrder().slice(sliced, sliced + count);
      sliced = sliced + count >= terminals.size ? 0 : sliced + count;
      return part;
    },

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
     * The secret of an MQTT terminal is returned once and only its hash is kept. An id that was removed can be used again by the
     * same company; its history stays with the company, and the new household sees its own part of it only.
     */
    async create(caller: Caller, request: NewTerminal): Promise<{ terminal: Terminal; secret: string | null }> {
      const { id } = request;
      const profile = profiles.get(request.profile);
      if (!profile) throw new GatewayError('unknown_profile', `There is no profile ${request.profile}`);
      const place = await placeOf(
        caller,
        { householdId: request.householdId ?? null, areaCode: request.areaCode },
        caller.companyId,
      );
      const connection = oneSpelling(request.connection);
      checkConnection(caller, id, profile, connection);
      const secret = connection.type === 'mqtt' ? newSecret() : null;
      const now = clock.now();
      const row = {
        profile: request.profile,
        ...place,
        connection: JSON.stringify(connection),
        secretHash: secret && hashSecret(secret),
        brokerHash: secret && brokerHash(secret),
        installedAt: request.installedAt ?? null,
        createdAt: now,
        removedAt: null,
      };
      const { numInsertedOrUpdatedRows } = await db
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
      if (numInsertedOrUpdatedRows === 0n) throw new GatewayError('conflict', `Terminal ${id} exists already`);
      return { terminal: await reload(id, true), secret };
    },

    async update(caller: Caller, id: string, change: TerminalChange): Promise<Terminal> {
      const terminal = get(caller, id);
      const connection = oneSpelling(change.connection ?? terminal.connection);
      if (change.connection) checkConnection(caller, id, terminal.profile, connection);
      const householdId = change.householdId === undefined ? terminal.householdId : change.householdId;
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
      return reload(id, householdId !== terminal.householdId);
    },

    /** Its readings, commands and alarms stay. */
    async remove(caller: Caller, id: string): Promise<void> {
      get(caller, id);
      const child = [...terminals.values()].find(
        ({ connection }) => connection.type === 'mqtt' && connection.via === id,
      );
      if (child) throw new GatewayError('in_use', `Terminal ${child.id} goes via ${id}`);
      await db
        .updateTable('terminals')
        .set({ removedAt: clock.now(), secretHash: null, brokerHash: null })
        .where('id', '=', id)
        .execute();
      await drop(id);
    },

    /** Reads terminals again that somebody else may have changed; without ids all of them. */
    async follow(ids?: string[]): Promise<void> {
      const rows = await (ids ? rowsOf(db).where('terminals.id', 'in', ids) : rowsOf(db)).execute();
      const there = new Set(rows.map(({ id }) => id));
      for (const id of ids ?? terminals.keys()) if (!there.has(id) && terminals.has(id)) await drop(id);
      for (const row of rows) {
        const before = terminals.get(row.id);
        const terminal = take(row);
        if (before && textOf(before) === textOf(terminal)) continue;
        await onChange(row.id, before?.householdId !== terminal.householdId);
      }
    },

    /** Whether this is the terminal's secret; compared in constant time. */
    secretFits(id: string, secret: string): boolean {
      const hash = terminals.get(id)?.secretHash;
      return sameHash(hashSecret(secret), hash ?? hashSecret('')) && typeof hash === 'string';
    },

    /** Whether `client` may speak for `id`: it is that terminal, or the concentrator that it names, of no other company. */
    speaksFor(client: string, id: string): boolean {
      const terminal = terminals.get(id);
      if (!terminal) return false;
      if (client === id) return true;
      const hub = terminals.get(client);
      const named = terminal.connection.type === 'mqtt' && terminal.connection.via === client;
      return named && hub !== undefined && (hub.companyId === null || hub.companyId === terminal.companyId);
    },
  };
}
export type Registry = Awaited<ReturnType<typeof openRegistry>>;
