import type { Kysely } from 'kysely';
import { type Caller, type Place, sees } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import type { Page } from '../db/page.ts';
import type { Tables, TerminalRow } from '../db/schema.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { hashSecret, newSecret, sameHash } from '../lib/ids.ts';
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
  createdAt: number;
}

export interface NewTerminal {
  id: string;
  profile: string;
  householdId?: string | undefined;
  areaCode?: string | undefined;
  connection: Connection;
}

export interface TerminalChange {
  householdId?: string | undefined;
  areaCode?: string | undefined;
  connection?: Connection | undefined;
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
    .selectAll('terminals')
    .select('households.name as householdName');

/**
 * All terminals, in memory: every message, poll and page asks here, and only this module writes the rows.
 * `onChange` is told the id of each terminal that was added, changed or removed.
 */
export async function openRegistry(parts: {
  db: Database;
  clock: Clock;
  profiles: Map<string, Profile>;
  onChange: (id: string) => void;
}) {
  const { db, clock, profiles, onChange } = parts;
  const terminals = new Map<string, Terminal>();

  function take(row: TerminalRow & { householdName: string | null }): Terminal {
    const profile = profiles.get(row.profile);
    if (!profile) throw new Error(`terminal ${row.id} has profile ${row.profile}, and there is no such file`);
    const terminal: Terminal = { ...row, profile, connection: JSON.parse(row.connection) as Connection };
    terminals.set(row.id, terminal);
    return terminal;
  }

  for (const row of await rowsOf(db).orderBy('terminals.id').execute()) take(row);

  function get(caller: Caller, id: string): Terminal {
    const terminal = terminals.get(id);
    if (!terminal || !sees(caller, terminal)) throw new GatewayError('not_found');
    return terminal;
  }

  /** The place that a household gives its terminals; a terminal without one stands where its creator says. */
  async function placeOf(caller: Caller, request: { householdId?: string | undefined; areaCode?: string | undefined }) {
    if (request.householdId === undefined) {
      const area = request.areaCode;
      if (
        area !== undefined &&
        !(await db.selectFrom('areas').select('code').where('code', '=', area).executeTakeFirst())
      ) {
        throw new GatewayError('unknown_reference', `There is no area ${area}`);
      }
      return { householdId: null, areaCode: area ?? null, companyId: caller.companyId };
    }
    const household = await db
      .selectFrom('households')
      .select(['id', 'areaCode', 'companyId'])
      .where('id', '=', request.householdId)
      .executeTakeFirst();
    const place = household && {
      householdId: household.id,
      areaCode: request.areaCode ?? household.areaCode,
      companyId: household.companyId,
    };
    if (!place || !sees(caller, place)) {
      throw new GatewayError('unknown_reference', `There is no household ${request.householdId}`);
    }
    return place;
  }

  function checkConnection(id: string, profile: Profile, connection: Connection): void {
    if (connection.type !== profile.protocol) {
      throw new GatewayError('unknown_reference', `Profile ${profile.profile} speaks ${profile.protocol}`);
    }
    if (connection.type === 'mqtt') {
      if (connection.via !== undefined && !terminals.has(connection.via)) {
        throw new GatewayError('unknown_reference', `There is no terminal ${connection.via} to go via`);
      }
      return;
    }
    const { line, unit } = connection;
    for (const other of terminals.values()) {
      const taken = other.id !== id && other.connection.type === 'modbus' ? other.connection : undefined;
      if (taken?.unit === unit && taken.line.host === line.host && taken.line.port === line.port) {
        throw new GatewayError('conflict', `Unit ${unit} of ${line.host}:${line.port} is terminal ${other.id}`);
      }
    }
  }

  async function reload(id: string): Promise<Terminal> {
    const terminal = take(await rowsOf(db).where('terminals.id', '=', id).executeTakeFirstOrThrow());
    onChange(id);
    return terminal;
  }

  return {
    get,
    /** Without asking who wants to know: for messages and polls. */
    find: (id: string): Terminal | undefined => terminals.get(id),
    all: (): Iterable<Terminal> => terminals.values(),

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
      const from = filter.cursor ?? '';
      const found = [...terminals.values()]
        .filter((t) => t.id > from && fits(t))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
      const items = found.slice(0, filter.limit);
      return { items, nextCursor: found.length > filter.limit ? (items.at(-1)?.id ?? null) : null };
    },

    /** The secret of an MQTT terminal is returned once and only its hash is kept. */
    async create(caller: Caller, request: NewTerminal): Promise<{ terminal: Terminal; secret: string | null }> {
      const profile = profiles.get(request.profile);
      if (!profile) throw new GatewayError('unknown_profile', `There is no profile ${request.profile}`);
      if (terminals.has(request.id)) throw new GatewayError('conflict', `Terminal ${request.id} exists already`);
      const place = await placeOf(caller, request);
      checkConnection(request.id, profile, request.connection);
      const secret = request.connection.type === 'mqtt' ? newSecret() : null;
      const row: TerminalRow = {
        id: request.id,
        profile: request.profile,
        ...place,
        connection: JSON.stringify(request.connection),
        secretHash: secret && hashSecret(secret),
        commandSequence: 0,
        createdAt: clock.now(),
      };
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('terminals')
        .values(row)
        .onConflict((conflict) => conflict.column('id').doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 0n) throw new GatewayError('conflict', `Terminal ${request.id} exists already`);
      return { terminal: await reload(row.id), secret };
    },

    async update(caller: Caller, id: string, change: TerminalChange): Promise<Terminal> {
      const terminal = get(caller, id);
      const connection = change.connection ?? terminal.connection;
      checkConnection(id, terminal.profile, connection);
      const moved = change.householdId !== undefined || change.areaCode !== undefined;
      const householdId = change.householdId ?? terminal.householdId ?? undefined;
      const place = moved ? await placeOf(caller, { householdId, areaCode: change.areaCode }) : {};
      await db
        .updateTable('terminals')
        .set({ ...place, connection: JSON.stringify(connection) })
        .where('id', '=', id)
        .execute();
      return reload(id);
    },

    /** Its readings, commands and alarms stay. */
    async remove(caller: Caller, id: string): Promise<void> {
      get(caller, id);
      await db.deleteFrom('terminals').where('id', '=', id).execute();
      terminals.delete(id);
      onChange(id);
    },

    /** Whether this is the terminal's secret; compared in constant time. */
    secretFits(id: string, secret: string): boolean {
      const hash = terminals.get(id)?.secretHash;
      return sameHash(hashSecret(secret), hash ?? hashSecret('')) && typeof hash === 'string';
    },

    /** Whether `client` may speak for `id`: it is that terminal, or the concentrator that it names. */
    speaksFor(client: string, id: string): boolean {
      const terminal = terminals.get(id);
      if (!terminal) return false;
      return client === id || (terminal.connection.type === 'mqtt' && terminal.connection.via === client);
    },
  };
}
export type Registry = Awaited<ReturnType<typeof openRegistry>>;
