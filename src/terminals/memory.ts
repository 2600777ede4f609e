import type { Kysely } from 'kysely';
import { counted } from '../db/counted.ts';
import type { Database } from '../db/database.ts';
import type { Tables, TerminalRow } from '../db/schema.ts';
import { createTurns } from '../lib/turns.ts';
import { lineName } from './lines.ts';
import type { Profile } from './profile.ts';
import type { Connection, Happening, Terminal } from './registry.ts';
import { createWireNames } from './wire-names.ts';

/** All terminals in memory, as their rows have them: by id, by Modbus unit, by what they show on the wire, and in the order of their ids. */

const MOST_RELOADS = 10_000;

const rowsOf = (db: Kysely<Tables>) =>
  db
    .selectFrom('terminals')
    .leftJoin('households', 'households.id', 'terminals.householdId')
    .where('terminals.removedAt', 'is', null)
    .where(counted('terminals'))
    .selectAll('terminals')
    .select('households.name as householdName');

/** What a device on a line is called there: its Modbus unit, or a meter's number. */
export const numberOnLine = (connection: Exclude<Connection, { type: 'mqtt' }>): string =>
  connection.type === 'modbus' ? `unit ${connection.unit}` : `meter ${connection.address}`;

/** Names a device on a line; undefined for what is none. */
export const unitKey = (connection: Connection): string | undefined =>
  connection.type === 'mqtt' ? undefined : `${lineName(connection.line)} ${numberOnLine(connection)}`;

const textOf = (terminal: Terminal): string => JSON.stringify({ ...terminal, profile: terminal.profile.profile });

/** What another gateway did with a terminal; undefined for nothing. */
export function happened(before: Terminal | undefined, now: Terminal): Happening | undefined {
  if (!before) return 'added';
  if (before.householdId !== now.householdId) return 'moved';
  if (before.secretHash !== null && now.secretHash === null) return 'revoked';
  return textOf(before) === textOf(now) ? undefined : 'changed';
}

export async function loadTerminals({ db, profiles }: { db: Database; profiles: Map<string, Profile> }) {
  const terminals = new Map<string, Terminal>();
  const units = new Map<string, string>();
  const lines = new Map<string, Set<string>>();
  const wireNames = createWireNames();
  /** In order, without the fresh ones: many come at once, and are put in their places together when somebody asks. */
  const sorted: Terminal[] = [];
  const fresh = new Set<string>();
  let sliced = 0;
  const oneAtATime = createTurns(MOST_RELOADS);

  /** Where an id is in the order, or would be. */
  function positionOf(id: string): number {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sorted[middle]?.id ?? '') < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function dropUnit({ id, connection }: Terminal): void {
    if (connection.type === 'mqtt') return;
    const key = unitKey(connection);
    if (key !== undefined && units.get(key) === id) units.delete(key);
    const name = lineName(connection.line);
    const onLine = lines.get(name);
    onLine?.delete(id);
    if (onLine?.size === 0) lines.delete(name);
  }

  function putUnit({ id, connection }: Terminal): void {
    if (connection.type === 'mqtt') return;
    const key = unitKey(connection);
    if (key !== undefined) units.set(key, id);
    const name = lineName(connection.line);
    const onLine = lines.get(name) ?? new Set();
    lines.set(name, onLine.add(id));
  }

  function take(row: TerminalRow & { householdName: string | null }): Terminal {
    const profile = profiles.get(row.profile);
    if (!profile) throw new Error(`terminal ${row.id} has profile ${row.profile}, and there is no such file`);
    const { commandSequence: _numbering, importId: _import, removedAt: _removed, ...kept } = row;
    const terminal: Terminal = { ...kept, profile, connection: JSON.parse(row.connection) as Connection };
    const before = terminals.get(row.id);
    if (before) dropUnit(before);
    terminals.set(row.id, terminal);
    wireNames.put(terminal);
    putUnit(terminal);
    const position = positionOf(row.id);
    if (sorted[position]?.id === row.id) sorted[position] = terminal;
    else fresh.add(row.id);
    return terminal;
  }

  /** What was in order and what came are two rising rows, which the sort merges in one pass. */
  function inOrder(): readonly Terminal[] {
    if (fresh.size === 0) return sorted;
    const came = [...fresh].flatMap((id) => terminals.get(id) ?? []).sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const terminal of came) sorted.push(terminal);
    sorted.sort((a, b) => (a.id < b.id ? -1 : 1));
    fresh.clear();
    return sorted;
  }

  /** Whether `client` may speak for a terminal: it is that one, or the concentrator that it names, of no other company. */
  function speaksFor(client: string, { id, companyId, connection, unclaimedSince }: Terminal): boolean {
    if (unclaimedSince !== null) return false;
    if (client === id) return true;
    if (connection.type !== 'mqtt' || connection.via !== client) return false;
    const hub = terminals.get(client);
    return hub !== undefined && (hub.companyId === null || hub.companyId === companyId);
  }

  for (const row of await rowsOf(db).orderBy('terminals.id').execute()) take(row);

  return {
    terminals: terminals as ReadonlyMap<string, Terminal>,
    inOrder,
    wireNames,
    speaksFor,
    /** All on a line, by its name. */
    onLine: (name: string): Terminal[] => [...(lines.get(name) ?? [])].flatMap((id) => terminals.get(id) ?? []),

    /** The next `count` terminals, beginning again after the last. */
    slice(count: number): Terminal[] {
      const part = inOrder().slice(sliced, sliced + count);
      sliced = sliced + count >= terminals.size ? 0 : sliced + count;
      return part;
    },

    /** Takes rows as they are now, of all without ids. One reload at a time, so that an older row never comes after a newer one. */
    reload: (ids?: readonly string[]): Promise<Terminal[]> =>
      oneAtATime(async () => {
        const rows = await (ids ? rowsOf(db).where('terminals.id', 'in', ids) : rowsOf(db)).execute();
        return rows.map(take);
      }),

    drop(id: string): void {
      const terminal = terminals.get(id);
      if (!terminal) return;
      dropUnit(terminal);
      terminals.delete(id);
      wireNames.drop(id);
      if (!fresh.delete(id)) sorted.splice(positionOf(id), 1);
    },
  };
}
export type TerminalMemory = Awaited<ReturnType<typeof loadTerminals>>;
