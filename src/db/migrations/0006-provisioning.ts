import { type Kysely, sql } from 'kysely';

/** Secrets that overlap, terminals that wait to be claimed, and imports with what was wrong in their files. */
const STATEMENTS = [
  `alter table terminals add column previous_hash text`,
  `alter table terminals add column previous_until bigint`,
  `alter table terminals add column unclaimed_since bigint`,
  `alter table terminals add column claim_hash text`,
  `alter table terminals add column claim_until bigint`,
  `alter table terminals add column import_id text`,
  `create index terminals_by_import on terminals (import_id, id)`,
  `create table imports (id text primary key, gateway_id text not null, requested_by text not null, requested_name text not null, company_id text,
     file_name text not null, bytes bigint not null, dry_run integer not null, unclaimed integer not null, state text not null,
     row_count integer not null, created integer not null, unchanged integer not null, errors integer not null, detail text,
     created_at bigint not null, finished_at bigint, export_until bigint, exported_at bigint)`,
  `create table import_errors (import_id text not null references imports (id) on delete cascade, n integer not null,
     sheet_row integer not null, sheet_column text, code text not null, value text not null, primary key (import_id, n))`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
