import { type SqlBool, sql } from 'kysely';

/** Whether a row counts: it came by no import, by one that is done, or by one that is no longer kept, which leaves nothing that it did not finish. */
export const counted = (table: 'terminals' | 'households') =>
  sql<SqlBool>`not exists (select 1 from imports where imports.id = ${sql.ref(`${table}.importId`)} and imports.state <> 'done')`;
