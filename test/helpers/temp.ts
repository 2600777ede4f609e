import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of the test's own; disposing removes it. */
export async function tempFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'hearthgate-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Waits until `check` gives something other than undefined or false; throws what it last threw, or that it never did. */
export async function eventually<T>(
  check: () => Promise<T | undefined | false> | T | undefined | false,
  withinMs = 10_000,
): Promise<T> {
  const end = Date.now() + withinMs;
  let trouble: unknown = new Error(`it did not happen within ${withinMs} ms`);
  while (Date.now() < end) {
    try {
      const found = await check();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      trouble = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw trouble;
}
