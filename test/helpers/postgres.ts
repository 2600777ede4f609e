import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/db/database.ts';
import { createLog } from '../../src/lib/log.ts';
import { databaseUrl, noPostgres, query, startPostgres } from './servers.ts';

/** One server for all files of the PostgreSQL project; each database there is a copy of one that is up to date already. */

export const TEMPLATE = 'hearthgate_template';

declare module 'vitest' {
  interface ProvidedContext {
    /** Empty when there is none. */
    postgresUrl: string;
  }
}

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  project.provide('postgresUrl', '');
  if (noPostgres) return async () => undefined;
  const server = await startPostgres();
  project.provide('postgresUrl', server.url);
  await query(server.url, `create database ${TEMPLATE}`);
  const template = await openDatabase(databaseUrl(server.url, TEMPLATE), createLog('silent'));
  await template[Symbol.asyncDispose]();
  return async () => server[Symbol.asyncDispose]();
}
