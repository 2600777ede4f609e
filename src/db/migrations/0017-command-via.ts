import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `alter table commands add column via text not null default 'request'`,
  ...['batch', 'schedule'].map(
    (via) => `update commands set via = '${via}' where id in (
      select items.command_id from command_batch_items items
      join command_batches batches on batches.id = items.batch_id
      where batches.via = '${via}' and items.command_id is not null
    )`,
  ),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
