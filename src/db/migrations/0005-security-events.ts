import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('security_events')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('terminal_id', 'text')
    .addColumn('address', 'text')
    .addColumn('detail', 'text', (column) => column.notNull())
    .addColumn('first_at', 'bigint', (column) => column.notNull())
    .addColumn('last_at', 'bigint', (column) => column.notNull())
    .addColumn('count', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('security_events_by_terminal')
    .on('security_events')
    .columns(['terminal_id', 'id'])
    .execute();
  await db.schema.createIndex('security_events_by_kind').on('security_events').columns(['kind', 'id']).execute();
}
