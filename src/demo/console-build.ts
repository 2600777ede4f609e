import { existsSync, globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../config.ts';

/** Builds the console when its sources are newer than what was built. */

const SOURCES = ['src/console/**/*', 'src/http/schemas/*.ts', 'vite.config.ts', 'package-lock.json'];

function isStale(built: string): boolean {
  if (!existsSync(built)) return true;
  const builtAt = statSync(built).mtimeMs;
  return globSync(SOURCES, { cwd: projectRoot }).some((file) => statSync(join(projectRoot, file)).mtimeMs > builtAt);
}

export async function buildConsoleIfStale(say: (text: string) => void): Promise<void> {
  if (!isStale(join(projectRoot, 'dist/console/index.html'))) return;
  say('Building the console …');
  const { build } = await import('vite');
  // Tests, which build it too, run with another value, by which React would be its slower development build.
  const before = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    await build({ configFile: join(projectRoot, 'vite.config.ts'), logLevel: 'warn' });
  } finally {
    if (before === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = before;
  }
}
