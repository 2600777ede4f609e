import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { Kysely, PostgresDialect, SqliteDialect, sql } from 'kysely';
import pg from 'pg';
import { expect, test } from 'vitest';
import { companyAccount, householdAccount } from '../../src/billing/accounts.ts';
import { createLedger } from '../../src/billing/ledger.ts';
import { createPayments } from '../../src/billing/payments.ts';
import { MIGRATIONS, openDatabase } from '../../src/db/database.ts';
import { createLog } from '../../src/lib/log.ts';
import { testDatabase } from '../helpers/database.ts';
import { tempFolder } from '../helpers/temp.ts';

/** A database from before the ledger. */

const inputs = (parameters: readonly unknown[]) => parameters as SQLInputValue[];

function sqliteDialect(file: string): SqliteDialect {
  const db = new DatabaseSync(file);
  return new SqliteDialect({
    database: {
      close: () => db.close(),
      prepare(text: string) {
        const statement = db.prepare(text);
        return {
          reader: statement.columns().length > 0,
          all: (parameters) => statement.all(...inputs(parameters)),
          run: (parameters) => statement.run(...inputs(parameters)),
          iterate: (parameters) => statement.iterate(...inputs(parameters)),
        };
      },
    },
  });
}

/** Everything up to the ledger, with these payments. */
async function makeOld(where: { file: string; url: string }, statements: string[]): Promise<void> {
  const dialect = where.url
    ? new PostgresDialect({ pool: new pg.Pool({ connectionString: where.url }) })
    : sqliteDialect(where.file);
  const db = new Kysely<unknown>({ dialect });
  if (where.url) await sql`drop schema public cascade; create schema public`.execute(db);
  const before = Object.entries(MIGRATIONS).filter(([name]) => name < '0012');
  for (const [, { up }] of before) await up(db);
  const noted = [
    'create table kysely_migration (name varchar(255) primary key, timestamp varchar(255) not null)',
    'create table kysely_migration_lock (id varchar(255) primary key, is_locked integer default 0 not null)',
    `insert into kysely_migration_lock (id, is_locked) values ('migration_lock', 0)`,
    ...before.map(([name]) => `insert into kysely_migration (name, timestamp) values ('${name}', '2026')`),
  ];
  for (const statement of [...noted, ...statements]) await sql.raw(statement).execute(db);
  await db.destroy();
}

const payment = (id: string, household: string, fen: number, method: string, time: string) =>
  `insert into payments (id, household_id, amount_fen, method, reference, received_by, received_at)
     values ('pay_${id}', '${household}', ${fen}, '${method}', 'R-${id}', 'clerk', ${Date.parse(time)})`;

test('payments from before the ledger are carried over, with their receipts’ numbers, and the next goes on from there', async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, 'old.sqlite');
  const url = await testDatabase(folder.path);
  await makeOld({ file, url }, [
    `insert into areas (code, name, level) values ('141023105201', 'V', 'village')`,
    ...['a', 'b'].map((id) => `insert into companies (id, name, created_at) values ('co_${id}', '${id}', 1)`),
    ...['hh_1 co_a', 'hh_2 co_a', 'hh_3 co_b'].map((text) => {
      const [id, company] = text.split(' ');
      return `insert into households (id, account_no, name, area_code, company_id, vulnerable, created_at)
        values ('${id}', '${id}', 'Name of ${id}', '141023105201', '${company}', 0, 1)`;
    }),
    // Midnight of the new year is in Shanghai.
    payment('2', 'hh_2', 50, 'transfer', '2026-01-01T00:00:00+08:00'),
    payment('1', 'hh_1', 12_300, 'cash', '2025-12-31T23:59:59+08:00'),
    payment('3', 'hh_1', 700, 'cash', '2026-03-01T12:00:00+08:00'),
    payment('4', 'hh_3', 9, 'cash', '2026-02-01T12:00:00+08:00'),
  ]);
  await using db = await openDatabase(url || file, createLog('silent'));
  const ledger = createLedger({ db });
  const payments = createPayments({ db, ledger });
  const household = { id: 'hh_1', companyId: 'co_a', name: 'Name of hh_1' };
  const postedOf = async (account: Parameters<typeof ledger.balance>[0]) => (await ledger.balance(account)).postedFen;
  expect(await postedOf(householdAccount(household, 'heating'))).toBe(13_000n);
  expect(await postedOf(companyAccount('co_a', 'cash'))).toBe(13_000n);
  expect(await postedOf(companyAccount('co_a', 'bank'))).toBe(50n);
  expect(await postedOf(companyAccount('co_b', 'cash'))).toBe(9n);
  const rows = await db.selectFrom('payments').selectAll().orderBy('id').execute();
  expect(rows.map((row) => [row.id, row.receiptYear, row.receiptNumber, row.purpose, row.payerName])).toEqual([
    ['pay_1', 2025, 1, 'heating', 'Name of hh_1'],
    ['pay_2', 2026, 1, 'heating', 'Name of hh_2'],
    ['pay_3', 2026, 2, 'heating', 'Name of hh_1'],
    ['pay_4', 2026, 1, 'heating', 'Name of hh_3'],
  ]);
  const act = { at: Date.parse('2026-11-01T00:00:00Z'), by: 'clerk', reason: 'wrong' };
  const next = await db
    .transaction()
    .execute((transaction) =>
      payments.record(transaction, household, { amountFen: 1n, method: 'cash', reference: 'R-5' }, act),
    );
  expect([next.receiptYear, next.receiptNumber]).toEqual([2026, 3]);
  await db.transaction().execute((transaction) => payments.reverse(transaction, household, 'pay_3', act));
  expect(await postedOf(householdAccount(household, 'heating'))).toBe(12_301n);
});
