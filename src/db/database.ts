import { existsSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { CamelCasePlugin, Kysely, PostgresAdapter, PostgresDialect, SqliteDialect, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import pg from 'pg';
import type { Logger } from '../lib/log.ts';
import { openReadOnly } from './inspect.ts';
import { up as first } from './migrations/0001-first.ts';
import { up as quarantine } from './migrations/0002-quarantine.ts';
import { up as meterExchanges } from './migrations/0003-meter-exchanges.ts';
import { up as alarmData } from './migrations/0004-alarm-data.ts';
import { up as securityEvents } from './migrations/0005-security-events.ts';
import { up as provisioning } from './migrations/0006-provisioning.ts';
import { up as gateways } from './migrations/0007-gateways.ts';
import { up as sealedSecrets } from './migrations/0008-sealed-secrets.ts';
import { up as audit } from './migrations/0009-audit.ts';
import { up as policies } from './migrations/0010-policies.ts';
import { up as ledger } from './migrations/0012-ledger.ts';
import { up as bills } from './migrations/0013-bills.ts';
import { up as paymentOrders } from './migrations/0014-payment-orders.ts';
import { up as batches } from './migrations/0015-batches.ts';
import { up as schedules } from './migrations/0016-schedules.ts';
import { up as commandVia } from './migrations/0017-command-via.ts';
import { up as balances } from './migrations/0018-balances.ts';
import { up as scheduleVersion } from './migrations/0019-schedule-version.ts';
import { up as imports } from './migrations/0020-imports.ts';
import { up as decided } from './migrations/0021-decided.ts';
import type { Tables } from './schema.ts';

export type Database = Kysely<Tables>;
/** In order of their names; a database keeps the names of those that it has. */
export const MIGRATIONS = {
  '0001-first': { up: first },
  '0002-quarantine': { up: quarantine },
  '0003-meter-exchanges': { up: meterExchanges },
  '0004-alarm-data': { up: alarmData },
  '0005-security-events': { up: securityEvents },
  '0006-provisioning': { up: provisioning },
  '0007-gateways': { up: gateways },
  '0008-sealed-secrets': { up: sealedSecrets },
  '0009-audit': { up: audit },
  '0010-policies': { up: policies },
  '0012-ledger': { up: ledger },
  '0013-bills': { up: bills },
  '0014-payment-orders': { up: paymentOrders },
  '0015-batches': { up: batches },
  '0016-schedules': { up: schedules },
  '0017-command-via': { up: commandVia },
  '0018-balances': { up: balances },
  '0019-schedule-version': { up: scheduleVersion },
  '0020-imports': { up: imports },
  '0021-decided': { up: decided },
};

/** A server that swallows packets must not hold requests for ever. */
const PATIENCE = { connectionTimeoutMillis: 10_000, query_timeout: 30_000, keepAlive: true };

export type DatabaseOrTransaction = Database | Transaction<Tables>;

/** PostgreSQL takes transactions at the same time; SQLite, whose one connection is this process's, takes one after another. */
export const isPostgres = (db: DatabaseOrTransaction): boolean => db.getExecutor().adapter instanceof PostgresAdapter;

/** `synchronous = full` makes a committed row survive a power cut, not only the end of the process. */
function openSqlite(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 5_000 });
  db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on');
  return db;
}

/** Statements that are kept made, as making one costs more than most take to run; long ones are seldom the same twice. */
const MOST_STATEMENTS = 500;
const LONGEST_KEPT = 2_000;

function sqliteDialect(db: DatabaseSync): SqliteDialect {
  const kept = new Map<string, StatementSync>();
  function statementOf(sql: string): StatementSync {
    const known = kept.get(sql);
    if (known) return known;
    const made = db.prepare(sql);
    if (sql.length > LONGEST_KEPT) return made;
    if (kept.size >= MOST_STATEMENTS) kept.clear();
    kept.set(sql, made);
    return made;
  }
  const database = {
    close: () => db.close(),
    prepare(sql: string) {
      const statement = statementOf(sql);
      // On a full disk SQLite has rolled back already, and a second time would hide why.
      const isDone = () => sql === 'rollback' && !db.isTransaction;
      const inputs = (parameters: readonly unknown[]) => parameters as SQLInputValue[];
      return {
        reader: statement.columns().length > 0,
        all: (parameters: readonly unknown[]) => statement.all(...inputs(parameters)),
        run: (parameters: readonly unknown[]) =>
          isDone() ? { changes: 0, lastInsertRowid: 0 } : statement.run(...inputs(parameters)),
        // Others may run the same one before all its rows are taken.
        iterate: (parameters: readonly unknown[]) => db.prepare(sql).iterate(...inputs(parameters)),
      };
    },
  };
  return new SqliteDialect({ database });
}

const SQLITE_FULL = 13;
const POSTGRES_DISK_FULL = '53100';

/** Whether the database could not write for want of space. */
export const isDiskFull = (error: unknown): boolean =>
  error instanceof Error &&
  (('errcode' in error && error.errcode === SQLITE_FULL) || ('code' in error && error.code === POSTGRES_DISK_FULL));

/** 64-bit whole numbers come as text from `pg`; times and fen are far below 2^53. */
const INT8 = 20;

function postgresDialect(url: string, log: Logger): PostgresDialect {
  const types: pg.CustomTypesConfig = {
    getTypeParser: (oid, format) => (oid === INT8 ? Number : pg.types.getTypeParser(oid, format)),
  };
  const pool = new pg.Pool({ connectionString: url, max: 10, types, ...PATIENCE });
  // A connection that breaks while nobody uses it is no reason to end: the pool opens another.
  pool.on('error', (error) => log.warn({ err: error }, 'database: a connection was lost'));
  return new PostgresDialect({ pool });
}

function connect(where: string, log: Logger, open: (file: string) => DatabaseSync): Database & AsyncDisposable {
  const db = new Kysely<Tables>({
    dialect: /^postgres(ql)?:/.test(where) ? postgresDialect(where, log) : sqliteDialect(open(where)),
    plugins: [new CamelCasePlugin()],
  });
  return Object.assign(db, { [Symbol.asyncDispose]: () => db.destroy() });
}

/** Opens what a gateway uses, to read it and nothing else: also beside that gateway, whose write-ahead log is there then. Dispose closes it. */
export const openToRead = (where: string, log: Logger): Database & AsyncDisposable =>
  connect(where, log, (file) =>
    existsSync(`${file}-wal`) ? new DatabaseSync(file, { readOnly: true }) : openReadOnly(file),
  );

/** Opens PostgreSQL at a `postgres://` URL, or SQLite in a file, making or upgrading the tables. Dispose closes it. */
export async function openDatabase(where: string, log: Logger): Promise<Database & AsyncDisposable> {
  const db = connect(where, log, openSqlite);
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
  const { error } = await migrator.migrateToLatest();
  if (error) throw error;
  return db;
}
