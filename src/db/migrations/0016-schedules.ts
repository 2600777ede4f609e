import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `create table schedules (
    id text primary key,
    area_code text,
    terminal_ids text,
    profile text,
    kind text,
    command text not null,
    value text not null,
    reason text not null,
    purpose text,
    expires_in_s integer not null,
    recurrence text not null,
    active integer not null,
    next_at bigint,
    requested_by text not null,
    requested_by_id text not null,
    role text not null,
    company_id text,
    created_at bigint not null,
    removed_at bigint
  )`,
  `create table schedule_runs (
    id text primary key,
    schedule_id text not null references schedules (id),
    due_at bigint not null,
    at bigint not null,
    state text not null,
    batch_id text,
    detail text,
    unique (schedule_id, due_at)
  )`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
