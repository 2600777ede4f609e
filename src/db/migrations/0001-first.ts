import { type Kysely, sql } from 'kysely';

/** Plain SQL with types that SQLite and PostgreSQL both know. */
const STATEMENTS = [
  `create table areas (code text primary key, name text not null, level text not null, parent text,
     person_name text, person_phone text)`,
  `create table companies (id text primary key, name text not null unique, created_at bigint not null)`,
  `create table households (id text primary key, account_no text not null unique, name text not null,
     area_code text not null references areas (code), company_id text not null references companies (id),
     address text, phone text, vulnerable integer not null, created_at bigint not null)`,
  `create index households_by_company on households (company_id)`,
  `create index households_by_area on households (area_code)`,
  `create table users (id text primary key, username text not null unique, password_hash text not null, role text not null,
     company_id text references companies (id), area_code text, household_id text references households (id),
     created_at bigint not null)`,
  `create table sessions (token_hash text primary key, user_id text not null references users (id) on delete cascade,
     expires_at bigint not null)`,
  `create table api_keys (id text primary key, name text not null, key_hash text not null unique, role text not null,
     company_id text references companies (id), area_code text, household_id text references households (id),
     created_at bigint not null)`,
  `create table terminals (id text primary key, profile text not null, household_id text references households (id),
     company_id text references companies (id), area_code text, connection text not null, secret_hash text,
     created_at bigint not null)`,
  `create index terminals_by_household on terminals (household_id)`,
  `create table commands (id text primary key, terminal_id text not null, command text not null, value text not null,
     reason text, state text not null, sequence integer not null, requested_by text not null,
     created_at bigint not null, expires_at bigint not null, sent_at bigint)`,
  `create unique index commands_by_terminal on commands (terminal_id, sequence)`,
  `create index commands_by_state on commands (state, id)`,
  // SQLite gives an `integer primary key` its numbers by itself; PostgreSQL needs `generated`, which SQLite does not know.
  `create table command_steps (id integer primary key, command_id text not null references commands (id),
     state text not null, at bigint not null, cause text not null)`,
  `create index command_steps_by_command on command_steps (command_id)`,
  `create table answers (caller text not null, key text not null, body_hash text not null, response text not null,
     created_at bigint not null, primary key (caller, key))`,
  `create index answers_by_age on answers (created_at)`,
  `create table quarantine (id text primary key, terminal_id text not null, received_at bigint not null, reason text not null,
     metric text, detail text not null, frame text not null)`,
  `create index quarantine_by_terminal on quarantine (terminal_id, id)`,
  `create table alarms (id text primary key, terminal_id text not null, alarm text not null, severity text not null,
     opened_at bigint not null, acknowledged_at bigint, acknowledged_by text, closed_at bigint)`,
  `create unique index alarms_open on alarms (terminal_id, alarm) where closed_at is null`,
  `create table payments (id text primary key, household_id text not null references households (id),
     amount_fen bigint not null check (amount_fen > 0), method text not null, reference text not null,
     received_by text not null, received_at bigint not null)`,
  `create index payments_by_household on payments (household_id, id)`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
