import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** `npm run bench [name …]`: the benches by name; without one all but those that take long. */

const USUAL = ['ingest', 'registry', 'history'];
const ALL = [...USUAL, 'billing', 'broker', 'external', 'memory', 'drain-influx1', 'modbus', 'commands'];
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !ALL.includes(name));
if (unknown.length > 0) {
  console.error(`no bench ${unknown.join(', ')}; there are ${ALL.join(', ')}`);
  process.exit(1);
}
for (const name of asked.length > 0 ? asked : USUAL) {
  const { status } = spawnSync(process.execPath, ['--expose-gc', join(import.meta.dirname, `${name}.ts`)], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
