import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `create table command_batches (
    id text primary key,
    state text not null,
    via text not null,
    command text not null,
    value text not null,
    reason text not null,
    purpose text,
    expires_in_s integer not null,
    area_code text,
    company_id text,
    requested_by text not null,
    requested_by_id text not null,
    created_at bigint not null,
    expires_at bigint not null,
    total integer not null,
    homes integer not null,
    list_hash text not null,
    per_cell_per_minute integer not null,
    in_flight integer not null,
    policy_version text,
    approved_by text,
    approved_at bigint,
    count_from bigint not null,
    history text not null
  )`,
  `create index command_batches_by_state on command_batches (state, id)`,
  `create table command_batch_items (
    batch_id text not null references command_batches (id),
    terminal_id text not null,
    position integer not null,
    area_code text not null,
    company_id text,
    household_id text,
    state text not null,
    at bigint,
    command_id text,
    rules text not null,
    primary key (batch_id, terminal_id)
  )`,
  `create unique index command_batch_items_by_position on command_batch_items (batch_id, position)`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
