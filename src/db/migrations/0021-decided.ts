import { type Kysely, sql } from 'kysely';

/** What people did about held notifications and proposals, why a proposal was made, and by what deposits that were given back on a day are found. */
const STATEMENTS = [
  `alter table payment_notifications add column resolved_by text`,
  `alter table payment_notifications add column resolved_at bigint`,
  `alter table payment_notifications add column resolution text`,
  `alter table proposals add column cause text`,
  `alter table proposals add column command_id text`,
  `create index transfers_deposits_given_back on transfers (at) where kind = 'deposit_refund'`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
