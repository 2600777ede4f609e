import { type Caller, sees } from '../areas/scope.ts';
import { counted } from '../db/counted.ts';
import type { Database } from '../db/database.ts';
import { type RowError, rowError } from '../imports/errors.ts';
import type { SheetRow } from '../imports/sheet.ts';
import { sheetTime } from '../imports/values.ts';
import { wrongName } from './dialects.ts';
import { AREA_CODE, HOST, TERMINAL_ID } from './identity.ts';
import type { Column, TerminalErrorCode } from './import-words.ts';
import { lineName, lineSettings } from './lines.ts';
import { type TerminalMemory, unitKey } from './memory.ts';
import { type LineConnection, oneSpelling, type Placement } from './placement.ts';
import type { Profile } from './profile.ts';
import { isMeter, type MeterProtocol, wrongMeterNumber } from './profile-meter.ts';
import type { Connection } from './registry.ts';
import { nameOf } from './wire-names.ts';

/** Whether the rows of a file can become terminals, all together. */

/** A terminal that is to be written. */
export interface ImportedTerminal {
  id: string;
  profile: string;
  householdId: string | null;
  areaCode: string | null;
  companyId: string | null;
  connection: Connection;
  installedAt: number | null;
  /** The id was used before and removed. */
  again: boolean;
}

interface HouseholdPlace {
  id: string;
  accountNo: string;
  areaCode: string;
  companyId: string;
}

const wholeNumber = (text: string, max: number): number | undefined =>
  /^[1-9]\d{0,5}$/.test(text) && Number(text) <= max ? Number(text) : undefined;

const ON_LINES = ['host', 'port', 'unit'] as const satisfies Column[];

export async function createCheck(parts: {
  db: Database;
  memory: TerminalMemory;
  placement: Placement;
  profiles: Map<string, Profile>;
  caller: Caller;
  unclaimed: boolean;
}) {
  const { db, memory, placement, profiles, caller, unclaimed } = parts;
  const areas = new Set((await db.selectFrom('areas').select('code').execute()).map(({ code }) => code));
  const byTitle = new Map(
    [...profiles.values()].flatMap(
      (one) =>
        [
          [one.title.zh, one],
          [one.title.en, one],
        ] as const,
    ),
  );
  const ids = new Set<string>();
  const units = new Set<string>();
  /** How the rows before speak on each line. */
  const lines = new Map<string, string>();
  /** Concentrators that the gateway does not have: the file may, further down. */
  const vias: { row: number; via: string }[] = [];

  async function householdsOf(rows: SheetRow<Column>[]): Promise<Map<string, HouseholdPlace>> {
    const found = new Map<string, HouseholdPlace>();
    const names = (column: 'accountNo' | 'householdId') => rows.flatMap(({ cells }) => cells[column] ?? []);
    for (const [column, values] of [
      ['accountNo', names('accountNo')],
      ['id', names('householdId')],
    ] as const) {
      if (values.length === 0) continue;
      const households = await db
        .selectFrom('households')
        .select(['id', 'accountNo', 'areaCode', 'companyId'])
        .where(column, 'in', values)
        .where(counted('households'))
        .execute();
      for (const household of households) {
        if (!sees(caller, { ...household, householdId: household.id })) continue;
        found.set(`${column} ${household[column]}`, household);
      }
    }
    return found;
  }

  /** Ids that are in the database and not in memory were removed: only the same company may use them again. */
  async function removedOf(rows: SheetRow<Column>[]): Promise<Map<string, string | null>> {
    const unknown = rows.flatMap(({ cells: { id } }) => (id !== undefined && !memory.terminals.has(id) ? id : []));
    if (unknown.length === 0) return new Map();
    const removed = await db.selectFrom('terminals').select(['id', 'companyId']).where('id', 'in', unknown).execute();
    return new Map(removed.map(({ id, companyId }) => [id, companyId]));
  }

  function checkRow(
    { row, cells }: SheetRow<Column>,
    households: Map<string, HouseholdPlace>,
    removed: Map<string, string | null>,
  ): { errors: RowError[]; terminal?: ImportedTerminal; unchanged?: boolean } {
    const errors: RowError[] = [];
    const wrong = (column: Column | null, code: TerminalErrorCode) =>
      void errors.push(rowError(row, column, code, column === null ? '' : cells[column]));

    const profile = profileOf();
    const household = householdOf();
    if (cells.areaCode !== undefined && !(AREA_CODE.test(cells.areaCode) && areas.has(cells.areaCode))) {
      wrong('areaCode', 'unknown_area');
    }
    const installedAt = cells.installedAt === undefined ? null : sheetTime(cells.installedAt);
    if (installedAt === undefined) wrong('installedAt', 'bad_time');
    const connection = profile && connectionOf(profile);
    const { id } = cells;
    if (id === undefined) wrong('id', 'missing');
    else if (!TERMINAL_ID.test(id)) wrong('id', 'bad_id');
    else if (ids.has(id)) wrong('id', 'duplicate_id');
    else ids.add(id);
    if (id === undefined || !profile || !connection || installedAt === undefined || errors.length > 0)
      return { errors };

    const companyId = household?.companyId ?? caller.companyId;
    const place = {
      householdId: household?.id ?? null,
      areaCode: cells.areaCode ?? household?.areaCode ?? null,
      companyId,
    };
    const terminal = { id, profile: profile.profile, ...place, connection, installedAt, again: removed.has(id) };
    if (memory.terminals.has(id)) {
      checkSame(terminal);
      return { errors, unchanged: errors.length === 0 };
    }
    if (removed.has(id) && removed.get(id) !== companyId) wrong('id', 'id_taken');
    // In another dialect its id is the name that it goes by, which another may have already, or which its maker does not allow.
    const named = { id, profile, connection, secretHash: null, previousHash: null };
    if (memory.wireNames.taken(named) !== undefined) wrong('id', 'id_taken');
    if (connection.type === 'mqtt' && wrongName(profile.dialect, nameOf(named)) !== undefined) wrong('id', 'bad_id');
    if (unclaimed && household) wrong(cells.accountNo === undefined ? 'householdId' : 'accountNo', 'not_claimable');
    if (unclaimed && connection.type !== 'mqtt') wrong('profile', 'not_claimable');
    if (connection.type !== 'mqtt') checkOnLine(id, connection);
    return { errors, terminal };

    function checkOnLine(terminalId: string, onLine: LineConnection): void {
      const column = onLine.type === 'meter' ? 'meterNo' : 'unit';
      const unit = unitKey(onLine) ?? '';
      const [name, settings] = [lineName(onLine.line), lineSettings(onLine.line)];
      const taken = placement.conflictOn(caller, terminalId, onLine) !== undefined;
      if (units.has(unit) || taken) wrong(column, 'unit_taken');
      if ((lines.get(name) ?? settings) !== settings) wrong('host', 'line_differs');
      units.add(unit);
      lines.set(name, settings);
    }

    function profileOf(): Profile | undefined {
      if (cells.profile === undefined) return void wrong('profile', 'missing');
      const found = profiles.get(cells.profile) ?? byTitle.get(cells.profile);
      if (!found) wrong('profile', 'unknown_profile');
      return found;
    }

    function householdOf(): HouseholdPlace | undefined {
      const { accountNo, householdId } = cells;
      const byAccount = accountNo === undefined ? undefined : households.get(`accountNo ${accountNo}`);
      const byId = householdId === undefined ? undefined : households.get(`id ${householdId}`);
      if (accountNo !== undefined && !byAccount) wrong('accountNo', 'unknown_household');
      if (householdId !== undefined && !byId) wrong('householdId', 'unknown_household');
      if (byAccount && byId && byAccount.id !== byId.id) wrong('householdId', 'two_households');
      return byAccount ?? byId;
    }

    function connectionOf({ protocol }: Profile): Connection | undefined {
      if (isMeter(protocol)) return meterConnection(protocol);
      if (cells.meterNo !== undefined) wrong('meterNo', 'only_for_meters');
      if (protocol !== 'mqtt') return modbusConnection();
      for (const column of ON_LINES) if (cells[column] !== undefined) wrong(column, 'not_for_mqtt');
      return { type: 'mqtt', ...concentrator() };
    }

    function concentrator(): { via?: string } {
      const { via } = cells;
      if (via !== undefined && via === cells.id) wrong('via', 'unknown_via');
      else if (via !== undefined && !placement.visible(caller, via)) vias.push({ row, via });
      return via === undefined ? {} : { via };
    }

    /** A converter that is dialled. */
    function lineOf(): { host: string; port: number } | undefined {
      for (const column of ['host', 'port'] as const) if (cells[column] === undefined) wrong(column, 'missing');
      const { host = '' } = cells;
      const port = wholeNumber(cells.port ?? '', 65_535);
      if (cells.host !== undefined && !HOST.test(host)) wrong('host', 'bad_host');
      if (cells.port !== undefined && port === undefined) wrong('port', 'bad_port');
      return HOST.test(host) && port !== undefined ? { host, port } : undefined;
    }

    function usable<C extends LineConnection>(connection: C): C {
      if (!placement.mayUse(caller, connection.line)) wrong('host', 'line_not_set_up');
      return connection;
    }

    function modbusConnection(): Connection | undefined {
      if (cells.via !== undefined) wrong('via', 'not_for_modbus');
      const line = lineOf();
      const unit = wholeNumber(cells.unit ?? '', 247);
      if (unit === undefined) wrong('unit', cells.unit === undefined ? 'missing' : 'bad_unit');
      return line && unit !== undefined ? usable(oneSpelling({ type: 'modbus', line, unit })) : undefined;
    }

    /** On a line where the file names a host; otherwise its frames come over MQTT. */
    function meterConnection(protocol: MeterProtocol): Connection | undefined {
      if (cells.unit !== undefined) wrong('unit', 'not_for_meters');
      const { meterNo: address = '' } = cells;
      if (cells.meterNo === undefined) wrong('meterNo', 'missing');
      else if (wrongMeterNumber(protocol, address) !== undefined) wrong('meterNo', 'no_meter_number');
      if (cells.host === undefined && cells.port === undefined) return { type: 'mqtt', address, ...concentrator() };
      if (cells.via !== undefined) wrong('via', 'not_for_meters');
      const line = lineOf();
      return line && usable(oneSpelling({ type: 'meter', line, address }));
    }

    /** An empty cell says nothing; what is filled in must be as it is registered. */
    function checkSame(asked: ImportedTerminal): void {
      const known = placement.visible(caller, asked.id);
      if (!known) {
        wrong('id', 'id_taken');
        return;
      }
      if (known.profile.profile !== asked.profile) wrong('profile', 'differs');
      if (household && known.householdId !== household.id) {
        wrong(cells.accountNo === undefined ? 'householdId' : 'accountNo', 'differs');
      }
      if (cells.areaCode !== undefined && known.areaCode !== cells.areaCode) wrong('areaCode', 'differs');
      if (cells.installedAt !== undefined && known.installedAt !== asked.installedAt) wrong('installedAt', 'differs');
      if (asked.connection.type === 'mqtt') {
        const own = known.connection.type === 'mqtt' ? known.connection : undefined;
        if (cells.via !== undefined && own?.via !== cells.via) wrong('via', 'differs');
        if (cells.meterNo !== undefined && own?.address !== cells.meterNo) wrong('meterNo', 'differs');
      } else if (unitKey(known.connection) !== unitKey(asked.connection)) wrong('host', 'differs');
    }
  }

  return {
    /** The next rows of the file. */
    async rows(rows: SheetRow<Column>[]) {
      const errors: RowError[] = [];
      const terminals: ImportedTerminal[] = [];
      let unchanged = 0;
      const households = await householdsOf(rows);
      const removed = await removedOf(rows);
      for (const row of rows) {
        const found = checkRow(row, households, removed);
        errors.push(...found.errors);
        if (found.terminal && found.errors.length === 0) terminals.push(found.terminal);
        if (found.unchanged) unchanged += 1;
      }
      return { errors, terminals, unchanged };
    },

    /** What only the whole file shows. */
    end: (): RowError[] =>
      vias.flatMap(({ row, via }) => (ids.has(via) ? [] : [rowError(row, 'via', 'unknown_via', via)])),
  };
}
