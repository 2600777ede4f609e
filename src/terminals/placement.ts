import { areaMustExist } from '../areas/areas.ts';
import { type Caller, type Place, sees } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import { GatewayError } from '../lib/errors.ts';
import { wrongName } from './dialects.ts';
import type { TerminalMemory } from './memory.ts';
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

export function createPlacement({ db, memory }: { db: Database; memory: TerminalMemory }) {
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

  return {
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
      const owner = memory.ownerOf(connection);
      if (owner === undefined || owner === id) return;
      const whose = visible(caller, owner) ? `terminal ${owner}` : 'another terminal';
      throw new GatewayError('conflict', `Unit ${unit} of ${line.host}:${line.port} is ${whose}`);
    },
  };
}
export type Placement = ReturnType<typeof createPlacement>;
