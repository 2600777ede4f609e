import pg from 'pg';
import { afterAll, beforeEach } from 'vitest';
import { noPostgres, startPostgres } from './servers.ts';

/** In the PostgreSQL project every gateway has a database of its own, in a server that the tests of a file share. */

let server: ReturnType<typeof startPostgres> | undefined;
let made = 0;
/** A gateway that is started again on its folder finds what it left. */
const urls = new Map<string, string>();

const isPostgres = process.env['TEST_DATABASE'] === 'postgres';
const isWanted = isPostgres && noPostgres === undefined;

/** Empty for SQLite. */
export async function testDatabase(folder: string): Promise<string> {
  if (!isWanted) return '';
  const known = urls.get(folder);
  if (known) return known;
  server ??= startPostgres();
  const { url } = await server;
  const name = `test_${++made}`;
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  const own = new URL(url);
  own.pathname = name;
  urls.set(folder, own.href);
  return own.href;
}

// On SQLite they would pass without a word of it.
if (isPostgres) beforeEach(({ skip }) => skip(noPostgres !== undefined, noPostgres));

if (isWanted) {
  afterAll(async () => {
    await (await server)?.[Symbol.asyncDispose]();
    server = undefined;
  });
}
