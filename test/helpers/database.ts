import { afterAll, beforeEach, inject } from 'vitest';
import { newId } from '../../src/lib/ids.ts';
import { TEMPLATE } from './postgres.ts';
import { databaseUrl, noPostgres, query } from './servers.ts';

/** In the PostgreSQL project every gateway has a database of its own, in one server. */

/** A gateway that is started again on its folder finds what it left. */
const names = new Map<string, string>();

const isPostgres = process.env['TEST_DATABASE'] === 'postgres';
const isWanted = isPostgres && noPostgres === undefined;

/** Empty for SQLite. */
export async function testDatabase(folder: string): Promise<string> {
  if (!isWanted) return '';
  const server = inject('postgresUrl');
  const known = names.get(folder);
  const name = known ?? newId('test');
  if (known === undefined) {
    names.set(folder, name);
    await query(server, `create database ${name} template ${TEMPLATE} strategy file_copy`);
  }
  return databaseUrl(server, name);
}

// On SQLite they would pass without a word of it.
if (isPostgres) beforeEach(({ skip }) => skip(noPostgres !== undefined, noPostgres));

if (isWanted) {
  afterAll(async () => {
    for (const name of names.values()) await query(inject('postgresUrl'), `drop database ${name} with (force)`);
    names.clear();
  });
}
