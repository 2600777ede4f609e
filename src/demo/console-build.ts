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
  await build({ configFile: join(projectRoot, 'vite.config.ts'), logLevel: 'warn' });
}
