import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../../src/config.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

test('a log that cannot be written loses its lines: the gateway starts, answers and stops', async () => {
  await using folder = await tempFolder();
  const port = await freePort();
  const gateway = spawn(process.execPath, [join(projectRoot, 'src/cli.ts'), 'start'], {
    stdio: ['ignore', 'ignore', openSync('/dev/full', 'w')],
    env: {
      ...process.env,
      HEARTHGATE_DATA__DIR: folder.path,
      HEARTHGATE_HTTP__PORT: String(port),
      HEARTHGATE_MQTT__PORT: String(await freePort()),
    },
  });
  await eventually(async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok, 30_000);
  gateway.kill('SIGTERM');
  const [code] = await once(gateway, 'exit');
  expect(code).toBe(0);
}, 60_000);
