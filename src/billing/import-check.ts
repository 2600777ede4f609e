import { type Caller, sees } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import type { HouseholdRow } from '../db/schema.ts';
import type { HouseholdOpeningRow } from '../db/schema-imports.ts';
import { type RowError, rowError } from '../imports/errors.ts';
import type { SheetRow } from '../imports/sheet.ts';
import { sheetFen, sheetFlag, sheetTime } from '../imports/values.ts';
import { dayOf } from '../lib/calendar.ts';
import { newId } from '../lib/ids.ts';
import { fromFen } from '../lib/money.ts';
import { type KnownHousehold, knownHouseholds } from './import-known.ts';
import { AMOUNT_COLUMNS, AMOUNTS, type Column, type HouseholdErrorCode, MODES } from './import-words.ts';
import type { Tariff } from './tariff-schema.ts';
import type { Terms } from './terms.ts';

/** Whether the rows of a file can become households, all together, and with what money they begin. */

/** What is to be written for a row: a household that is new, what it begins with, or both. */
export interface ImportedHousehold {
  row: number;
  household: HouseholdRow | undefined;
  opening: HouseholdOpeningRow | undefined;
}

interface Checked {
  errors: RowError[];
  made?: ImportedHousehold;
  unchanged?: boolean;
}

const ACCOUNT_NO = /^[A-Za-z0-9-]{1,40}$/;
const LONGEST = { name: 100, address: 200, phone: 40 } as const;
const NOTHING = { heatingFen: 0, depositFen: 0, subsidyFen: 0 };
const hasMoney = (opening: typeof NOTHING): boolean =>
  opening.heatingFen !== 0 || opening.depositFen !== 0 || opening.subsidyFen !== 0;

export async function createHouseholdCheck(parts: {
  db: Database;
  terms: Terms;
  tariffs: ReadonlyMap<string, Tariff>;
  caller: Caller;
  importId: string;
  now: number;
}) {
  const { db, tariffs, caller, importId, now } = parts;
  const today = dayOf(now);
  const areas = new Set((await db.selectFrom('areas').select('code').execute()).map(({ code }) => code));
  const companies = await db.selectFrom('companies').selectAll().execute();
  const accounts = new Set<string>();

  function checkRow({ row, cells }: SheetRow<Column>, known: KnownHousehold | undefined): Checked {
    const errors: RowError[] = [];
    const wrong = (column: Column, code: HouseholdErrorCode) =>
      void errors.push(rowError(row, column, code, cells[column]));
    const read = <T>(column: Column, meaning: (text: string) => T | undefined, code: HouseholdErrorCode) => {
      const text = cells[column];
      const value = text === undefined ? undefined : meaning(text);
      if (text !== undefined && value === undefined) wrong(column, code);
      return value;
    };

    const { accountNo = '', name = '', areaCode = '' } = cells;
    for (const column of ['accountNo', 'name', 'areaCode'] as const) {
      if (cells[column] === undefined) wrong(column, 'missing');
    }
    if (accountNo !== '' && !ACCOUNT_NO.test(accountNo)) wrong('accountNo', 'bad_account');
    else if (accounts.has(accountNo)) wrong('accountNo', 'duplicate_account');
    else if (accountNo !== '') accounts.add(accountNo);
    for (const column of ['name', 'address', 'phone'] as const) {
      if ((cells[column] ?? '').length > LONGEST[column]) wrong(column, 'too_long');
    }
    if (areaCode !== '' && !areas.has(areaCode)) wrong('areaCode', 'unknown_area');
    const vulnerable = read('vulnerable', sheetFlag, 'bad_flag');
    const company = read('company', companyOf, 'unknown_company');
    const companyId = company ?? caller.companyId ?? known?.household.companyId;
    if (companyId === undefined && cells.company === undefined) wrong('company', 'missing');
    const tariff = read('tariff', tariffOf, 'unknown_tariff');
    const mode = read('mode', (text) => MODES[text.toLowerCase()], 'bad_mode');
    const since = read('since', dayIn, 'bad_day');
    const amounts = amountsOf();
    if (errors.length > 0 || companyId === undefined) return { errors };

    if (known) return checkKnown(known);
    const household: HouseholdRow = {
      ...{ id: newId('hh'), accountNo, name, areaCode, companyId, importId, createdAt: now },
      ...{ address: cells.address ?? null, phone: cells.phone ?? null, vulnerable: vulnerable ? 1 : 0 },
    };
    const opening = { ...amounts, tariff: tariff?.tariff ?? null, mode: mode ?? null, since: since ?? today };
    const begins = hasMoney(amounts) || tariff !== undefined || mode !== undefined;
    return {
      errors,
      made: { row, household, opening: begins ? { householdId: household.id, importId, ...opening } : undefined },
    };

    function companyOf(text: string): string | undefined {
      const found = companies.find(({ id, name: called }) => id === text || called === text);
      return found && (caller.companyId === null || caller.companyId === found.id) ? found.id : undefined;
    }

    function tariffOf(text: string): Tariff | undefined {
      return tariffs.get(text) ?? [...tariffs.values()].find(({ title: { zh, en } }) => zh === text || en === text);
    }

    function dayIn(text: string): string | undefined {
      const time = sheetTime(text);
      return time === undefined ? undefined : dayOf(time);
    }

    function amountsOf(): typeof NOTHING {
      const found = { ...NOTHING };
      for (const column of AMOUNT_COLUMNS) {
        const fen = read(column, sheetFen, 'bad_amount') ?? 0n;
        if (fen < 0n && column !== 'heatingBalance') wrong(column, 'below_zero');
        else found[AMOUNTS[column]] = fromFen(fen);
      }
      return found;
    }

    /** An empty cell says nothing; what is filled in must be as it is registered. Only money may come to it, and only at its beginning. */
    function checkKnown({ household: own, opening: before, counts, hasEntries, ...terms }: KnownHousehold): Checked {
      const differs = (column: Column, same: boolean) => {
        if (cells[column] !== undefined && !same) wrong(column, 'differs');
      };
      if (!counts || !sees(caller, { ...own, householdId: own.id })) {
        wrong('accountNo', 'account_taken');
        return { errors };
      }
      differs('name', own.name === name);
      differs('areaCode', own.areaCode === areaCode);
      differs('address', own.address === cells.address);
      differs('phone', own.phone === cells.phone);
      differs('vulnerable', (own.vulnerable === 1) === vulnerable);
      differs('company', own.companyId === companyId);
      const given = terms.tariffs.find(({ metric }) => metric === tariff?.metric);
      differs('tariff', given?.tariff === tariff?.tariff);
      differs('mode', terms.mode?.mode === mode);
      if (before) {
        for (const column of AMOUNT_COLUMNS) differs(column, before[AMOUNTS[column]] === amounts[AMOUNTS[column]]);
      } else if (hasMoney(amounts) && hasEntries) {
        for (const column of AMOUNT_COLUMNS) if (amounts[AMOUNTS[column]] !== 0) wrong(column, 'has_entries');
      }
      if (errors.length > 0) return { errors };
      if (before || !hasMoney(amounts)) return { errors, unchanged: true };
      const opening = { householdId: own.id, importId, ...amounts, tariff: null, mode: null, since: today };
      return { errors, made: { row, household: undefined, opening } };
    }
  }

  return async (rows: SheetRow<Column>[]) => {
    const known = await knownHouseholds(
      { ...parts, today },
      rows.flatMap(({ cells }) => cells.accountNo ?? []),
    );
    const errors: RowError[] = [];
    const made: ImportedHousehold[] = [];
    let unchanged = 0;
    for (const row of rows) {
      const found = checkRow(row, known.get(row.cells.accountNo ?? ''));
      errors.push(...found.errors);
      if (found.made) made.push(found.made);
      if (found.unchanged) unchanged += 1;
    }
    return { errors, made, unchanged };
  };
}
