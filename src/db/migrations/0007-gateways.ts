import { type Kysely, PostgresAdapter, sql } from 'kysely';

/**
 * Gateways that share a database know each other by their rows in `gateways`. PostgreSQL itself tells all of them which row changed, in the
 * transaction that changed it, whoever wrote it: `pg_notify` with the table and the id.
 */
const STATEMENTS = [
  `create table gateways (id text primary key, place text not null, sharing integer not null,
     beat_at bigint not null)`,
  `alter table terminals add column broker_hash text`,
];

const ON_POSTGRES = [
  `create function hearthgate_tell() returns trigger language plpgsql as $$
   begin
     perform pg_notify('hearthgate', tg_table_name || ' ' || case when tg_op = 'DELETE' then old.id else new.id end);
     return null;
   end $$`,
  ...['commands', 'alarms', 'gateways'].map(
    (table) => `create trigger hearthgate_tell after insert or update or delete on ${table}
      for each row execute function hearthgate_tell()`,
  ),
  `create trigger hearthgate_tell after delete on terminals for each row execute function hearthgate_tell()`,
  // Of an import, all of them begin to count when it is done.
  `create trigger hearthgate_tell_new after insert on terminals for each row
     when (new.import_id is null) execute function hearthgate_tell()`,
  `create trigger hearthgate_tell_done after update on imports for each row
     when (new.state = 'done' and old.state <> 'done') execute function hearthgate_tell()`,
  // The numbering of its commands is no change of a terminal.
  `create trigger hearthgate_tell_changed after update on terminals for each row
     when (old.command_sequence = new.command_sequence and old.* is distinct from new.*) execute function hearthgate_tell()`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = db.getExecutor().adapter instanceof PostgresAdapter ? [...STATEMENTS, ...ON_POSTGRES] : STATEMENTS;
  for (const statement of statements) await sql.raw(statement).execute(db);
}
