import { areaMustExist } from '../areas/areas.ts';
import { type Caller, type Place, sees } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import { GatewayError } from '../lib/errors.ts';
import { wrongName } from './dialects.ts';
import type { Profile } from './profile.ts';
import type { Connection, Terminal } from './registry.ts';
import { nameOf } from './wire-names.ts';

/** Where a terminal may stand and how it may be reached: what is checked before its row is written. */

export interface PlaceRequest {
  /** Null for none, such as in a store room. */
  householdId: string | null;
  areaCode: string | undefined;
}

/** One spelling of a host, so that a unit is not registered twice under two. */
export function oneSpelling(connection: Connection): Connection {
  if (connection.type === 'mqtt') return connection;
  const host = connection.line.host.toLowerCase().replace(/\.$/, '');
  return { ...connection, line: { ...connection.line, host: host === 'localhost' ? '127.0.0.1' : host } };
}

export function createPlacement({ db, terminals }: { db: Database; terminals: ReadonlyMap<string, Terminal> }) {
  /** A terminal that the caller does not see is as unknown as one that does not exist. */
  const visible = (caller: Caller, id: string): Terminal | undefined => {
    const terminal = terminals.get(id);
    return terminal && sees(caller, terminal) ? terminal : undefined;
  };

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
        const wrong = wrongName(profile.dialect, nameOf({ id, connection }));
        if (wrong !== undefined) throw new GatewayError('invalid_request', wrong);
        if (connection.via === undefined || visible(caller, connection.via)) return;
        throw new GatewayError('unknown_reference', `There is no terminal ${connection.via} to go via`);
      }
      const { line, unit } = connection;
      for (const other of terminals.values()) {
        const taken = other.id !== id && other.connection.type === 'modbus' ? other.connection : undefined;
        if (taken?.unit !== unit || taken.line.host !== line.host || taken.line.port !== line.port) continue;
        const whose = visible(caller, other.id) ? `terminal ${other.id}` : 'another terminal';
        throw new GatewayError('conflict', `Unit ${unit} of ${line.host}:${line.port} is ${whose}`);
      }
    },
  };
}
