import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `alter table schedules add column version integer not null default 1`,
  `create index command_batches_by_age on command_batches (created_at)`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
