import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import pg from 'pg';

/** Looks at a database without changing anything in it. */

const APPLIED = 'select name from kysely_migration order by name';

const namesOf = (rows: unknown[]): string[] => rows.map((row) => String(Object(row)['name']));

/** Without a write-ahead log beside it, SQLite is told that nobody writes, so that it makes none. */
export function openReadOnly(file: string): DatabaseSync {
  const log = `${file}-wal`;
  if (existsSync(log) && statSync(log).size > 0) return new DatabaseSync(file, { readOnly: true });
  return new DatabaseSync(new URL(`${pathToFileURL(file)}?immutable=1`), { readOnly: true });
}

/** `trouble` is what `quick_check` found; `applied` the names of migrations. Throws when it is no database. */
export function inspectSqlite(file: string): { trouble: string | undefined; applied: string[] } {
  const db = openReadOnly(file);
  try {
    const found = db.prepare('pragma quick_check(1)').get();
    const said = String(found?.['quick_check']);
    return { trouble: said === 'ok' ? undefined : said, applied: namesOf(db.prepare(APPLIED).all()) };
  } finally {
    db.close();
  }
}

/** `applied` is empty for a database that no gateway has used yet. Rejects when it cannot be reached. */
export async function inspectPostgres(url: string, withinMs: number) {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: withinMs,
    query_timeout: withinMs,
    statement_timeout: withinMs,
  });
  // What breaks later is told by the query that it breaks.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query(
      "select current_setting('server_version') as version, extract(epoch from clock_timestamp()) * 1000 as now, to_regclass('kysely_migration') as known",
    );
    const applied = rows[0].known === null ? [] : namesOf((await client.query(APPLIED)).rows);
    return { version: String(rows[0].version), now: Number(rows[0].now), applied };
  } finally {
    await client.end().catch(() => undefined);
  }
}
