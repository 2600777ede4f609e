import { join } from 'node:path';
import { sql } from 'kysely';
import { openBilling } from '../../src/billing/billing.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import type { Tables } from '../../src/db/schema.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { testDatabase } from '../helpers/database.ts';
import { layDatabase } from '../helpers/sqlite.ts';
import { tempFolder } from '../helpers/temp.ts';

/** The books of two companies, without a gateway around them. */

export const NOW = Date.UTC(2026, 10, 24, 4);
export const ACT = { at: NOW, by: 'clerk' };

export interface Household {
  id: string;
  name: string;
  companyId: string;
}

/** Households `hh_0` … belong to `co_a` and `co_b` in turn. */
async function fill(db: Database, households: number): Promise<Household[]> {
  const companies = ['co_a', 'co_b'];
  await db
    .insertInto('areas')
    .values({ code: '141023105201', name: 'V', level: 'village', parent: null, personName: null, personPhone: null })
    .execute();
  await db
    .insertInto('companies')
    .values(companies.map((id) => ({ id, name: id, createdAt: NOW })))
    .execute();
  const made = Array.from({ length: households }, (_, n) => ({
    id: `hh_${n}`,
    name: `Household ${n}`,
    companyId: companies[n % 2] ?? 'co_a',
  }));
  const rows: Tables['households'][] = made.map((one) => ({
    ...one,
    accountNo: one.id,
    areaCode: '141023105201',
    address: null,
    phone: null,
    importId: null,
    vulnerable: 0,
    createdAt: NOW,
  }));
  for (let start = 0; start < rows.length; start += 500) {
    await db
      .insertInto('households')
      .values(rows.slice(start, start + 500))
      .execute();
  }
  return made;
}

export async function openBooks({ households: wanted = 2 } = {}) {
  const folder = await tempFolder();
  const file = join(folder.path, 'books.sqlite');
  const log = createLog('silent');
  const url = await testDatabase(folder.path);
  if (url === '') layDatabase(file);
  const db = await openDatabase(url || file, log);
  const households = await fill(db, wanted);
  const [household, other] = households;
  if (!household || !other) throw new Error('two households are needed');
  const billing = openBilling({
    db,
    clock: systemClock,
    log,
    settings: { depositFen: 100_000, adjustmentFen: 100_000 },
  });
  return {
    ...billing,
    db,
    /** Of SQLite, to be opened beside. */
    file,
    isPostgres: url !== '',
    households,
    household,
    other,
    run: (statement: string) => sql.raw(statement).execute(db),
    async [Symbol.asyncDispose](): Promise<void> {
      await db[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
export type Books = Awaited<ReturnType<typeof openBooks>>;
