import { expect, test } from 'vitest';
import { startTestGateway } from '../helpers/gateway.ts';
import { tempFolder } from '../helpers/temp.ts';

test('a second gateway on the same data folder is refused, and the first goes on', async () => {
  await using folder = await tempFolder();
  await using first = await startTestGateway({ folder: folder.path });
  await expect(startTestGateway({ folder: folder.path })).rejects.toThrow('another gateway runs on');
  expect((await first.admin.get('/me')).status).toBe(200);
});

test('when the first has ended, the folder is free again', async () => {
  await using folder = await tempFolder();
  await (await startTestGateway({ folder: folder.path }))[Symbol.asyncDispose]();
  await using second = await startTestGateway({ folder: folder.path });
  expect((await second.admin.get('/me')).status).toBe(200);
});
