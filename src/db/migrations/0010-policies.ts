import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `alter table commands add column purpose text`,
  `alter table commands add column ttl_ms bigint not null default 120000`,
  `alter table commands add column requested_by_id text`,
  `alter table commands add column effect text`,
  `alter table commands add column policy_version text`,
  `alter table commands add column rules text not null default '[]'`,
  `alter table commands add column approved_by text`,
  `alter table commands add column approved_at bigint`,
  `create index commands_off on commands (created_at) where effect is not null`,
  `alter table api_keys add column created_by text`,
  // A row that a transaction changes so that of several one at a time decides.
  `create table locks (name text primary key)`,
  `insert into locks (name) values ('off')`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
