import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../src/config.ts';
import { buildConsoleIfStale } from '../../src/demo/console-build.ts';

/** What tests need from Debian, by the file that shows that it is there. */
const PACKAGES = {
  '/usr/bin/chromium-headless-shell': 'chromium-headless-shell',
  '/usr/bin/mosquitto_pub': 'mosquitto-clients',
  '/usr/sbin/mosquitto': 'mosquitto',
  '/usr/lib/postgresql': 'postgresql',
  '/usr/bin/influxd': 'influxdb',
};

const run = (command: string, args: string[]) =>
  spawnSync(command, args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status ===
  0;

/** Where there is no package of the one, the other does: the shell is Chromium with less to start. */
const INSTEAD: Record<string, string> = { 'chromium-headless-shell': 'chromium' };

const install = (names: string[]) => run('apt-get', ['install', '-y', '--no-install-recommends', ...names]);

/** Installs what is missing when that is possible; tests that need it say so when they skip. Then builds the console. */
export default async function setUp(): Promise<void> {
  const missing = Object.entries(PACKAGES).filter(([file]) => !existsSync(file));
  const names = missing.map(([, name]) => name);
  if (names.length > 0) {
    console.log(`Installing ${names.join(', ')} …`);
    const done =
      process.getuid?.() === 0 &&
      existsSync('/usr/bin/apt-get') &&
      run('apt-get', ['update']) &&
      (install(names) || install(names.map((name) => INSTEAD[name] ?? name)));
    if (!done) console.log(`Could not install ${names.join(', ')}; tests that need them are skipped.`);
  }
  await buildConsoleIfStale((text) => console.log(text));
  if (!existsSync(join(projectRoot, 'dist/console/index.html'))) throw new Error('the console was not built');
}
