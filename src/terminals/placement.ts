import { areaMustExist } from '../areas/areas.ts';
import { type Caller, type Place, sees } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import { GatewayError } from '../lib/errors.ts';
import { createHostList } from '../lib/hosts.ts';
import { lineName, lineSettings, oneLineSpelling } from './lines.ts';
import type { Profile } from './profile.ts';
import type { Connection, Terminal } from './registry.ts';

/** Where a terminal may stand and how it may be reached: what is checked before its row is written. */

export interface PlaceRequest {
  /** Null for none, such as in a store room. */
  householdId: string | null;
  areaCode: string | undefined;
}

type ModbusConnection = Extract<Connection, { type: 'modbus' }>;

/** One spelling of a line, so that a unit is not registered twice under two. */
export function oneSpelling(connection: Connection): Connection {
  return connection.type === 'mqtt' ? connection : { ...connection, line: oneLineSpelling(connection.line) };
}

export function createPlacement(parts: {
  db: Database;
  terminals: ReadonlyMap<string, Terminal>;
  modbusHosts: string;
}) {
  const { db, terminals } = parts;
  const isListed = createHostList(parts.modbusHosts);

  /** A terminal that the caller does not see is as unknown as one that does not exist. */
  const visible = (caller: Caller, id: string): Terminal | undefined => {
    const terminal = terminals.get(id);
    return terminal && sees(caller, terminal) ? terminal : undefined;
  };

  /** One terminal a unit, one way of speaking a line, and a line that the caller may use. */
  function checkLine(caller: Caller, id: string, { line, unit }: ModbusConnection): void {
    const name = lineName(line);
    let isTheirs = caller.role === 'admin' || ('host' in line && isListed(line.host));
    let conflict: string | undefined;
    for (const other of terminals.values()) {
      if (other.connection.type !== 'modbus' || lineName(other.connection.line) !== name) continue;
      // A line that an admin gave to a company is theirs to go on using.
      isTheirs ||= sees(caller, other);
      if (other.id === id) continue;
      const whose = sees(caller, other) ? `terminal ${other.id}` : 'another terminal';
      if (other.connection.unit === unit) conflict = `Unit ${unit} of ${name} is ${whose}`;
      else if (lineSettings(other.connection.line) !== lineSettings(line))
        conflict ??= `${whose} uses ${name} with other settings`;
    }
    if (!isTheirs) throw new GatewayError('forbidden', `An admin has to set up the Modbus line ${name} first`);
    if (conflict !== undefined) throw new GatewayError('conflict', conflict);
  }

  return {
    /** The place that a household gives its terminals; one without a household belongs to `companyId`. */
    async placeOf(caller: Caller, request: PlaceRequest, companyId: string | null): Promise<Place> {
      const { householdId, areaCode } = request;
      if (areaCode !== undefined) await areaMustExist(db, areaCode);
      if (householdId === null) return { householdId: null, areaCode: areaCode ?? null, companyId };
      const household = await db
        .selectFrom('households')
        .select(['id', 'areaCode', 'companyId'])
        .where('id', '=', householdId)
        .executeTakeFirst();
      const place = household && {
        householdId: household.id,
        areaCode: areaCode ?? household.areaCode,
        companyId: household.companyId,
      };
      if (!place || !sees(caller, place)) {
        throw new GatewayError('unknown_reference', `There is no household ${householdId}`);
      }
      return place;
    },

    /** One terminal a unit, and a concentrator that the caller may use. */
    checkConnection(caller: Caller, id: string, profile: Profile, connection: Connection): void {
      if (connection.type !== profile.protocol) {
        throw new GatewayError('unknown_reference', `Profile ${profile.profile} speaks ${profile.protocol}`);
      }
      if (connection.type === 'mqtt') {
        if (connection.via === undefined || visible(caller, connection.via)) return;
        throw new GatewayError('unknown_reference', `There is no terminal ${connection.via} to go via`);
      }
      checkLine(caller, id, connection);
    },
  };
}
