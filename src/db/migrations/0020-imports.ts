import { type Kysely, sql } from 'kysely';

/**
 * Imports of households, and what each began with. The indexes by household are what the deletion of a household looks into for rows that
 * still name it.
 */
const STATEMENTS = [
  `alter table imports add column kind text not null default 'terminals'`,
  `alter table imports add column booked integer not null default 0`,
  `alter table households add column import_id text`,
  `create index households_by_import on households (import_id, id)`,
  `create table household_openings (household_id text primary key references households (id), import_id text not null,
     heating_fen bigint not null, deposit_fen bigint not null check (deposit_fen >= 0),
     subsidy_fen bigint not null check (subsidy_fen >= 0), tariff text, mode text, since text not null)`,
  `create index household_openings_by_import on household_openings (import_id, household_id)`,
  ...['accounts', 'users', 'api_keys', 'billing_troubles'].map(
    (table) => `create index ${table}_of_household on ${table} (household_id)`,
  ),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
