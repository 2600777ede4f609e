import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startBroker, temporaryFolder } from './stage.ts';

// A process of its own starts slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const cli = join(import.meta.dirname, '../../device-sim/cli.ts');

function fleetFile(): { file: string; state: string } {
  const temporary = temporaryFolder();
  onTestFinished(() => temporary[Symbol.asyncDispose]());
  const file = join(temporary.path, 'fleet.json');
  const terminals = [{ id: 'gb1', profile: 'gas-boiler', secret: 's1', house: 'h1' }];
  writeFileSync(file, JSON.stringify({ seed: 1, terminals }));
  return { file, state: join(temporary.path, 'state.json') };
}

function start(args: string[]): ChildProcess {
  const child = spawn(process.execPath, [cli, ...args]);
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function exitOf(child: ChildProcess): Promise<{ code: number; said: string }> {
  let said = '';
  child.stderr?.on('data', (bytes) => {
    said += bytes;
  });
  const [code] = await once(child, 'close');
  return { code, said };
}

test.each([
  [[], '--fleet'],
  [['--fleet', '/nowhere.json'], 'fleet file /nowhere.json'],
  [['--fleet', 'x', '--every', '0'], 'A number from'],
  [['--fleet', 'x', '--mqtt', 'example'], 'A URL such as'],
  [['--fleet', 'x', '--fault', 'fire=1'], 'fault “fire=1”'],
])('bad input %j ends with code 2 and says why', async (args, cause) => {
  const { code, said } = await exitOf(start(args));
  expect(code).toBe(2);
  expect(said).toContain(cause);
});

test.each(['SIGTERM', 'SIGINT', 'parent'] as const)('%s ends a running fleet cleanly', async (how) => {
  const broker = await startBroker();
  onTestFinished(() => broker[Symbol.asyncDispose]());
  const { file, state } = fleetFile();
  const child = start([
    '--fleet',
    file,
    '--mqtt',
    broker.url,
    '--state',
    state,
    ...(how === 'parent' ? ['--with-parent'] : []),
  ]);
  await broker.hear(({ topic }) => topic === 'terminals/gb1/readings');
  const end = exitOf(child);
  if (how === 'parent') child.stdin?.end();
  else child.kill(how);
  expect(await end).toEqual({ code: 0, said: '' });
  expect(existsSync(state)).toBe(true);
  // A clean DISCONNECT: the will was not published.
  expect(broker.heard.filter(({ topic }) => topic.endsWith('/status')).map(({ payload }) => payload)).toEqual([
    { online: true },
  ]);
});
