import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/db/database.ts';
import { createLog } from '../../src/lib/log.ts';
import { tempFolder } from './temp.ts';

/** One file that is up to date already, of which each database of the SQLite project begins as a copy. */

declare module 'vitest' {
  interface ProvidedContext {
    sqliteTemplate: string;
  }
}

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const folder = await tempFolder();
  const file = join(folder.path, 'template.sqlite');
  await (await openDatabase(file, createLog('silent')))[Symbol.asyncDispose]();
  project.provide('sqliteTemplate', file);
  return async () => folder[Symbol.asyncDispose]();
}

/** Leaves one alone that is there; outside of Vitest the gateway makes its own. */
export function layDatabase(file: string): void {
  if (existsSync(file) || process.env['VITEST'] === undefined) return;
  mkdirSync(dirname(file), { recursive: true });
  copyFileSync(inject('sqliteTemplate'), file);
}
