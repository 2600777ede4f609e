import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw('create table sealed_secrets (terminal_id text primary key references terminals (id), sealed text not null)')
    .execute(db);
}
