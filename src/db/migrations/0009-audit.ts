import { type Kysely, PostgresAdapter, sql } from 'kysely';

/**
 * The audit takes rows and gives none back: the database itself refuses to change or delete one. `audit_head` is the row that whoever
 * appends holds, so that of several one at a time does. Steps of a command are numbered, as their times follow a clock that may be set back.
 */
const STATEMENTS = [
  `create table audit (seq bigint not null primary key, at bigint not null, actor text not null, action text not null,
     subject text not null, terminal_id text, company_id text, detail text not null, policy_version text,
     prev_hash text not null, hash text not null)`,
  `create index audit_by_terminal on audit (terminal_id, seq)`,
  `create index audit_by_company on audit (company_id, seq)`,
  `create index audit_by_actor on audit (actor, seq)`,
  `create index audit_by_action on audit (action, seq)`,
  `create table audit_head (id integer primary key, seq bigint not null, hash text not null)`,
  `insert into audit_head (id, seq, hash) values (1, 0, '${'0'.repeat(64)}')`,
  `alter table command_steps add column n integer not null default 1`,
  `update command_steps set n = (select count(*) from command_steps other
     where other.command_id = command_steps.command_id and other.id <= command_steps.id)`,
];

const REFUSAL = 'rows of the audit are never changed';

const ON_SQLITE = [
  ...['update', 'delete'].map(
    (what) => `create trigger audit_no_${what} before ${what} on audit begin select raise(abort, '${REFUSAL}'); end`,
  ),
  // `insert or replace` takes a row away without a word to the triggers above.
  `create trigger audit_no_replace before insert on audit when exists (select 1 from audit where seq = new.seq)
     begin select raise(abort, '${REFUSAL}'); end`,
];

const ON_POSTGRES = [
  `create function hearthgate_audit_refuse() returns trigger language plpgsql as $$
   begin
     raise exception '${REFUSAL}';
   end $$`,
  `create trigger audit_no_change before update or delete or truncate on audit
     for each statement execute function hearthgate_audit_refuse()`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  const own = db.getExecutor().adapter instanceof PostgresAdapter ? ON_POSTGRES : ON_SQLITE;
  for (const statement of [...STATEMENTS, ...own]) await sql.raw(statement).execute(db);
}
