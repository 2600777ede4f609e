import { areaMustExist } from '../areas/areas.ts';
import { type Caller, type Place, sees } from '../areas/scope.ts';
import { counted } from '../db/counted.ts';
import type { Database } from '../db/database.ts';
import { GatewayError } from '../lib/errors.ts';
import { createHostList } from '../lib/hosts.ts';
import { wrongName } from './dialects.ts';
import { type Line, lineName, lineSettings, oneLineSpelling } from './lines.ts';
import { numberOnLine, type TerminalMemory } from './memory.ts';
import type { Profile } from './profile.ts';
import { isMeter, wrongMeterNumber } from './profile-meter.ts';
import type { Connection, Terminal } from './registry.ts';
import { nameOf } from './wire-names.ts';

/** Where a terminal may stand and how it may be reached: what is checked before its row is written. */

export interface PlaceRequest {
  /** Null for none, such as in a store room. */
  householdId: string | null;
  areaCode: string | undefined;
}

export type LineConnection = Exclude<Connection, { type: 'mqtt' }>;

/** One spelling of a line, so that a unit is not registered twice under two. Meters speak on a line as it is, never Modbus TCP. */
export function oneSpelling(connection: LineConnection): LineConnection;
export function oneSpelling(connection: Connection): Connection;
export function oneSpelling(connection: Connection): Connection {
  if (connection.type === 'mqtt') return connection;
  if (connection.type === 'modbus') return { ...connection, line: oneLineSpelling(connection.line) };
  const line = oneLineSpelling(connection.line);
  return { ...connection, line: 'host' in line ? { ...line, framing: 'rtu' } : line };
}

/** Why a profile's devices cannot be reached so; undefined when they can. A meter's frames may come over MQTT too. */
function wrongWay({ profile, protocol }: Profile, connection: Connection): string | undefined {
  if (!isMeter(protocol)) return connection.type === protocol ? undefined : `Profile ${profile} speaks ${protocol}`;
  return connection.type === 'modbus' ? `Profile ${profile} speaks ${protocol}` : undefined;
}

/** Why the number of a meter is none; undefined when it is. */
function wrongNumber({ profile, protocol }: Profile, connection: Connection): string | undefined {
  const address = connection.type === 'modbus' ? undefined : connection.address;
  if (isMeter(protocol)) return wrongMeterNumber(protocol, address ?? '');
  return address === undefined ? undefined : `Profile ${profile} is no meter's and has no address`;
}

export function createPlacement(parts: { db: Database; memory: TerminalMemory; modbusHosts: string }) {
  const { db, memory } = parts;
  const isListed = createHostList(parts.modbusHosts);

  /** A terminal that the caller does not see is as unknown as one that does not exist. */
  const visible = (caller: Caller, id: string): Terminal | undefined => {
    const terminal = memory.terminals.get(id);
    return terminal && sees(caller, terminal) ? terminal : undefined;
  };

  async function placeOfHousehold(
    caller: Caller,
    { householdId, accountNo }: { householdId?: string | undefined; accountNo?: string | undefined },
  ): Promise<Place & { householdId: string }> {
    if ((householdId === undefined) === (accountNo === undefined)) {
      throw new GatewayError('invalid_request', 'give either householdId or accountNo');
    }
    const household = await db
      .selectFrom('households')
      .select(['id', 'areaCode', 'companyId'])
      .where(counted('households'))
      .$if(householdId !== undefined, (query) => query.where('id', '=', householdId ?? ''))
      .$if(accountNo !== undefined, (query) => query.where('accountNo', '=', accountNo ?? ''))
      .executeTakeFirst();
    const place = household && {
      householdId: household.id,
      areaCode: household.areaCode,
      companyId: household.companyId,
    };
    if (!place || !sees(caller, place)) {
      throw new GatewayError('unknown_reference', `There is no household ${householdId ?? accountNo}`);
    }
    return place;
  }

  /** Whether a caller may put units on a line: a company on hosts that are listed, and on a line that an admin gave to one of its terminals. */
  const mayUse = (caller: Caller, line: Line): boolean =>
    caller.role === 'admin' ||
    ('host' in line && isListed(line.host)) ||
    memory.onLine(lineName(line)).some((other) => sees(caller, other));

  /** What is wrong with one more unit on a line; undefined for nothing. */
  function conflictOn(caller: Caller, id: string, connection: LineConnection): string | undefined {
    const { line } = connection;
    const name = lineName(line);
    let conflict: string | undefined;
    for (const other of memory.onLine(name)) {
      if (other.connection.type === 'mqtt' || other.id === id) continue;
      const whose = sees(caller, other) ? `terminal ${other.id}` : 'another terminal';
      const number = numberOnLine(connection);
      if (numberOnLine(other.connection) === number) conflict = `The ${number} of ${name} is ${whose}`;
      else if (lineSettings(other.connection.line) !== lineSettings(line))
        conflict ??= `${whose} uses ${name} with other settings`;
    }
    return conflict;
  }

  /** One terminal a unit, one way of speaking a line, and a line that the caller may use. */
  function checkLine(caller: Caller, id: string, connection: LineConnection): void {
    const name = lineName(connection.line);
    if (!mayUse(caller, connection.line))
      throw new GatewayError('forbidden', `An admin has to set up the line ${name} first`);
    const conflict = conflictOn(caller, id, connection);
    if (conflict !== undefined) throw new GatewayError('conflict', conflict);
  }

  return {
    visible,
    mayUse,
    conflictOn,
    /** The place of a household that the caller may use, by its id or its account number. */
    placeOfHousehold,

    /** The place that a household gives its terminals; one without a household belongs to `companyId`. */
    async placeOf(caller: Caller, request: PlaceRequest, companyId: string | null): Promise<Place> {
      const { householdId, areaCode } = request;
      if (areaCode !== undefined) await areaMustExist(db, areaCode);
      if (householdId === null) return { householdId: null, areaCode: areaCode ?? null, companyId };
      const place = await placeOfHousehold(caller, { householdId });
      return { ...place, areaCode: areaCode ?? place.areaCode };
    },

    /** One terminal a unit, and a concentrator that the caller may use. */
    checkConnection(caller: Caller, id: string, profile: Profile, connection: Connection): void {
      const way = wrongWay(profile, connection);
      if (way !== undefined) throw new GatewayError('unknown_reference', way);
      const number = wrongNumber(profile, connection);
      if (number !== undefined) throw new GatewayError('invalid_request', number);
      if (connection.type === 'mqtt') {
        const wrong = wrongName(profile.dialect, nameOf({ id, connection }));
        if (wrong !== undefined) throw new GatewayError('invalid_request', wrong);
        if (connection.via === undefined || visible(caller, connection.via)) return;
        throw new GatewayError('unknown_reference', `There is no terminal ${connection.via} to go via`);
      }
      checkLine(caller, id, connection);
    },
  };
}
export type Placement = ReturnType<typeof createPlacement>;
