import { type Kysely, sql } from 'kysely';

/** What people did about held notifications and proposals, and why a proposal was made. */
const STATEMENTS = [
  `alter table payment_notifications add column resolved_by text`,
  `alter table payment_notifications add column resolved_at bigint`,
  `alter table payment_notifications add column resolution text`,
  `alter table proposals add column cause text`,
  `alter table proposals add column command_id text`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
