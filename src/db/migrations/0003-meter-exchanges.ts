import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `create table meter_exchanges (id text primary key, terminal_id text not null references terminals (id), metric text not null,
     at bigint not null, last_value double precision not null, first_value double precision not null, reason text,
     recorded_by text not null, recorded_at bigint not null)`,
  `create unique index meter_exchanges_by_terminal on meter_exchanges (terminal_id, metric, at)`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
