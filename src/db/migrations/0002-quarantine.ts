import { type Kysely, sql } from 'kysely';

/**
 * Refused rows know the frame that they came from, so that it can be put in again; rows from before do not, and stay as they are.
 * `frame` stays the last column: SQLite then finds the others without reading through it.
 */
const STATEMENTS = [
  `alter table quarantine rename to quarantine_before`,
  `drop index quarantine_by_terminal`,
  `create table quarantine (id text primary key, terminal_id text not null, received_at bigint not null, reason text not null,
     metric text, detail text not null, frame_id text, frame text not null)`,
  `insert into quarantine (id, terminal_id, received_at, reason, metric, detail, frame)
     select id, terminal_id, received_at, reason, metric, detail, frame from quarantine_before`,
  `drop table quarantine_before`,
  `create index quarantine_by_terminal on quarantine (terminal_id, id)`,
  `create index quarantine_by_age on quarantine (received_at)`,
  `create index quarantine_by_frame on quarantine (frame_id)`,
  `create table quarantine_counts (terminal_id text not null, reason text not null, metric text not null, count bigint not null,
     first_at bigint not null, last_at bigint not null, primary key (terminal_id, reason, metric))`,
  `insert into quarantine_counts (terminal_id, reason, metric, count, first_at, last_at)
     select terminal_id, reason, coalesce(metric, ''), count(*), min(received_at), max(received_at) from quarantine
     group by terminal_id, reason, coalesce(metric, '')`,
  `create index quarantine_counts_by_count on quarantine_counts (count)`,
  `alter table terminals add column installed_at bigint`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
