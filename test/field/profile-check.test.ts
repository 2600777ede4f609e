import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../../src/config.ts';
import { TWINS } from '../modbus/devices.ts';
import { fileOf, inEnglish, run } from './stage.ts';

/** `hearthgate profile check`. */

test('a file that is not there is said in a sentence', async () => {
  const { code, stderr } = await inEnglish('profile', 'check', '/nowhere/x.yaml');
  expect([code, stderr]).toEqual([1, expect.stringMatching(/no such file.*\/nowhere\/x\.yaml/)]);
});

test('every error is told with file, line and column, the good file beside it is taken, and the exit code is 1', async () => {
  const bad = await fileOf(
    'twins.yaml',
    TWINS.replace('confirm: setpoint_c', 'confirm: nothing').replace('holding: 100 }', 'holding: 100, bitt: 3 }'),
  );
  const good = join(projectRoot, 'config/profiles/gas-boiler.yaml');
  const { code, stdout } = await inEnglish('profile', 'check', bad, good);
  expect(code).toBe(1);
  expect(stdout.split('\n')).toEqual([
    `${bad}:11:70 metrics.return_c.from.bitt: unknown key`,
    expect.stringMatching(/^.*twins\.yaml:15:\d+ commands\.setpoint\.confirm: no metric nothing$/),
    `${bad}: 2 errors`,
    `${good}: the file is right, all 2 examples give what they must`,
    '',
  ]);
});

test('an example says which value is another, and a name that is not the file’s is an error', async () => {
  const file = await fileOf('other.yaml', TWINS.replace('values: { supply_c: 1,', 'values: { supply_c: 3, room_c: 4,'));
  const { code, stdout } = await run(['profile', 'check', file, '--json']);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual([
    {
      file,
      errors: [
        { line: 2, column: 10, path: 'profile', message: '名称是 twins，而文件名是 other，网关不会加载' },
        { line: 17, column: 65, path: 'examples.0.values.supply_c', message: 'supply_c 应为 3，解出 1' },
        { line: 17, column: 76, path: 'examples.0.values.room_c', message: 'room_c 应为 4，解出 无' },
      ],
    },
  ]);
});

test('a value of an example that is out of its range is an error with its reason', async () => {
  const file = await fileOf('twins.yaml', TWINS.replace('holding: { 0: 1, 100: 2 }', 'holding: { 0: 60001, 100: 2 }'));
  const { stdout } = await inEnglish('profile', 'check', file);
  expect(stdout).toContain('supply_c should be 1, decoded is nothing (60001 is not within 0 … 60000)');
});
