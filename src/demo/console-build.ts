import { existsSync, globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../config.ts';

/** Builds the console and the residents' page when their sources are newer than what was built. */

const SOURCES = ['src/{console,resident}/**/*', 'src/http/schemas/*.ts', 'vite*.config.ts', 'package-lock.json'];
/** In this order: the first empties the folder that holds both. */
const BUILDS = ['vite.config.ts', 'vite.resident.config.ts'];

function isStale(built: string): boolean {
  if (!existsSync(built)) return true;
  const builtAt = statSync(built).mtimeMs;
  return globSync(SOURCES, { cwd: projectRoot }).some((file) => statSync(join(projectRoot, file)).mtimeMs > builtAt);
}

export async function buildConsoleIfStale(say: (text: string) => void): Promise<void> {
  if (!isStale(join(projectRoot, 'dist/console/my/index.html'))) return;
  say('Building the console …');
  const { build } = await import('vite');
  // Tests, which build it too, run with another value, by which React would be its slower development build.
  const before = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    for (const file of BUILDS) await build({ configFile: join(projectRoot, file), logLevel: 'warn' });
  } finally {
    if (before === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = before;
  }
}
