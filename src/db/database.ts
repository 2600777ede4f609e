import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { CamelCasePlugin, Kysely, SqliteDialect, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import * as first from './migrations/0001-first.ts';
import type { Tables } from './schema.ts';

export type Database = Kysely<Tables>;
export type DatabaseOrTransaction = Database | Transaction<Tables>;

/** `synchronous = full` makes a committed row survive a power cut, not only the end of the process. */
function openSqlite(file: string) {
  const db = new DatabaseSync(file, { timeout: 5_000 });
  db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on');
  return {
    close: () => db.close(),
    prepare(sql: string) {
      const statement = db.prepare(sql);
      const inputs = (parameters: readonly unknown[]) => parameters as SQLInputValue[];
      return {
        reader: statement.columns().length > 0,
        all: (parameters: readonly unknown[]) => statement.all(...inputs(parameters)),
        run: (parameters: readonly unknown[]) => statement.run(...inputs(parameters)),
        iterate: (parameters: readonly unknown[]) => statement.iterate(...inputs(parameters)),
      };
    },
  };
}

/** Opens the database, making or upgrading its tables. Dispose closes it. */
export async function openDatabase(file: string): Promise<Database & AsyncDisposable> {
  const db = new Kysely<Tables>({
    dialect: new SqliteDialect({ database: openSqlite(file) }),
    plugins: [new CamelCasePlugin()],
  });
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ '0001-first': first }) } });
  const { error } = await migrator.migrateToLatest();
  if (error) throw error;
  return Object.assign(db, { [Symbol.asyncDispose]: () => db.destroy() });
}
