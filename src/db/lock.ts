import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;

/**
 * Keeps a second gateway off a data folder, whose spool two would tear. The lock is the operating system's, so it ends with the process,
 * however that ends. Throws when the folder is taken.
 */
export function lockFolder(folder: string): Disposable {
  const lock = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
  try {
    lock.exec('begin exclusive');
  } catch {
    lock.close();
    throw new Error(`another gateway runs on ${folder}`);
  }
  return { [Symbol.dispose]: () => lock.close() };
}

/** Whether a gateway runs on the folder. Only looks, for so short a moment that it keeps none from starting. */
export function isFolderLocked(folder: string): boolean {
  const file = join(folder, 'lock');
  if (!existsSync(file)) return false;
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(file, { readOnly: true, timeout: 0 });
    lock.prepare('select count(*) from sqlite_master').get();
    return false;
  } catch (error) {
    return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
  } finally {
    lock?.close();
  }
}
