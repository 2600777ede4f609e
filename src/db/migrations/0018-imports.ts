import { type Kysely, sql } from 'kysely';

/** Imports of more than terminals. */
const STATEMENTS = [`alter table imports add column kind text not null default 'terminals'`];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
