import { type SqlBool, sql } from 'kysely';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { CompanyRow, HouseholdRow } from '../db/schema.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { areaMustExist } from './areas.ts';
import { type Caller, visibleHouseholds } from './scope.ts';

/** Households 户 and the companies 供热/燃气企业 that serve them. */
export interface NewHousehold {
  accountNo: string;
  name: string;
  areaCode: string;
  companyId: string;
  address?: string | undefined;
  phone?: string | undefined;
  vulnerable?: boolean | undefined;
}

/** Whether a column contains what a person typed, in which `%` and `_` are letters, not patterns. */
function contains(column: 'accountNo' | 'name', text: string) {
  const pattern = `%${text.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
  return sql<SqlBool>`lower(${sql.ref(column)}) like ${pattern} escape '\\'`;
}

export function createCompanies({ db, clock }: { db: Database; clock: Clock }) {
  return {
    async create(name: string): Promise<CompanyRow> {
      const company = { id: newId('co'), name, createdAt: clock.now() };
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('companies')
        .values(company)
        .onConflict((conflict) => conflict.column('name').doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 0n)
        throw new GatewayError('conflict', { zh: `企业 ${name} 已经存在`, en: `There is a company ${name} already` });
      return company;
    },

    async get(caller: Caller, id: string): Promise<CompanyRow> {
      const company = await db.selectFrom('companies').selectAll().where('id', '=', id).executeTakeFirst();
      if (!company || (caller.role === 'company' && caller.companyId !== id)) throw new GatewayError('not_found');
      return company;
    },

    async list(caller: Caller, { limit, cursor }: Page) {
      const rows = await db
        .selectFrom('companies')
        .selectAll()
        .$if(caller.role === 'company', (query) => query.where('id', '=', caller.companyId ?? ''))
        .$if(cursor !== undefined, (query) => query.where('id', '>', cursor ?? ''))
        .orderBy('id')
        .limit(limit + 1)
        .execute();
      return pageOf(rows, limit);
    },

    /** Whose name may be read by whoever has to do with it. */
    async nameOf(id: string): Promise<string> {
      const { name } = await db.selectFrom('companies').select('name').where('id', '=', id).executeTakeFirstOrThrow();
      return name;
    },

    async mustExist(id: string): Promise<void> {
      const company = await db.selectFrom('companies').select('id').where('id', '=', id).executeTakeFirst();
      if (!company)
        throw new GatewayError('unknown_reference', { zh: `没有企业 ${id}`, en: `There is no company ${id}` });
    },
  };
}
export type Companies = ReturnType<typeof createCompanies>;

export function createHouseholds(parts: { db: Database; clock: Clock; companies: Companies }) {
  const { db, clock, companies } = parts;

  const visible = (caller: Caller) => db.selectFrom('households').selectAll().where(visibleHouseholds(caller));

  return {
    /** A company creates its own households only. */
    async create(caller: Caller, request: NewHousehold): Promise<HouseholdRow> {
      if (caller.role === 'company' && request.companyId !== caller.companyId) throw new GatewayError('forbidden');
      await areaMustExist(db, request.areaCode);
      await companies.mustExist(request.companyId);
      const household: HouseholdRow = {
        id: newId('hh'),
        accountNo: request.accountNo,
        name: request.name,
        areaCode: request.areaCode,
        companyId: request.companyId,
        address: request.address ?? null,
        phone: request.phone ?? null,
        vulnerable: request.vulnerable ? 1 : 0,
        importId: null,
        createdAt: clock.now(),
      };
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('households')
        .values(household)
        .onConflict((conflict) => conflict.column('accountNo').doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 0n) {
        throw new GatewayError('conflict', {
          zh: `户号 ${request.accountNo} 已被使用`,
          en: `Account number ${request.accountNo} is taken`,
        });
      }
      return household;
    },

    async get(caller: Caller, id: string): Promise<HouseholdRow> {
      const household = await visible(caller).where('households.id', '=', id).executeTakeFirst();
      if (!household) throw new GatewayError('not_found');
      return household;
    },

    async list(caller: Caller, filter: Page & { areaCode?: string | undefined; search?: string | undefined }) {
      const { limit, cursor, areaCode, search } = filter;
      let query = visible(caller);
      if (areaCode) query = query.where('areaCode', 'like', `${areaCode}%`);
      if (search) {
        query = query.where((row) => row.or([contains('accountNo', search), contains('name', search)]));
      }
      if (cursor) query = query.where('households.id', '>', cursor);
      return pageOf(
        await query
          .orderBy('households.id')
          .limit(limit + 1)
          .execute(),
        limit,
      );
    },
  };
}
export type Households = ReturnType<typeof createHouseholds>;
