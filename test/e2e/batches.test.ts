import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import type { Batch } from '../../src/http/schemas/batches.ts';
import type { Command } from '../../src/http/schemas/commands.ts';
import { itemsOf, obey, postBatch, reaches } from '../helpers/batches.ts';
import { makeTerminal, startTestGateway, type TestTerminal, VILLAGE } from '../helpers/gateway.ts';
import { finished, upload } from '../helpers/imports.ts';
import { adminOf, spawnGateway } from '../helpers/process.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';
import type { Page } from '../http/stage.ts';

const WARMER = { command: 'setpoint', value: 21, reason: 'a cold night' };

test('killed with SIGKILL in the middle of a batch, a gateway goes on with it, and no terminal has two commands', async () => {
  await using folder = await tempFolder();
  const ports = { http: await freePort(), mqtt: await freePort() };
  const settings = { HEARTHGATE_BATCHES__PER_CELL_PER_MINUTE: '600' };
  const terminals: TestTerminal[] = [];
  let batch: Batch;
  {
    await using gateway = await spawnGateway(folder.path, ports, settings);
    const admin = await adminOf(gateway);
    for (let n = 0; n < 30; n += 1) {
      terminals.push(await makeTerminal(admin, { id: `k-${n}`, profile: 'gas-boiler', areaCode: VILLAGE }));
    }
    batch = (await postBatch(admin, { ...WARMER, terminalIds: terminals.map(({ id }) => id), expiresInS: 900 })).body;
    await eventually(async () => (await itemsOf(admin, batch.id)).some(({ state }) => state === 'queued'));
    await gateway.kill();
  }
  await using gateway = await spawnGateway(folder.path, ports, settings);
  const admin = await adminOf(gateway);
  await using obedient = new AsyncDisposableStack();
  for (const terminal of terminals) obedient.use(await obey({ mqttPort: ports.mqtt }, terminal));
  const done = await reaches(admin, batch.id, 'done', 30_000);
  expect(done.counts).toEqual({ confirmed: 30 });
  const { body } = await admin.get<Page<Command>>('/commands?limit=500');
  expect(new Set(body.items.map(({ terminalId }) => terminalId)).size).toBe(30);
  expect(body.items).toHaveLength(30);
}, 90_000);

test('a batch of 5,000 terminals is looked through, fixed, and given out at its rate and no faster', async () => {
  await using folder = await tempFolder();
  await using gateway = await startTestGateway({ folder: join(folder.path, 'gateway') });
  const { admin } = gateway;
  const lines = Array.from({ length: 5_000 }, (_, n) => `t-${n},gas-boiler,14102310520${1 + (n % 2)}`);
  const csv = `id,profile,areaCode\n${lines.join('\n')}\n`;
  const brought = await upload({ ...gateway, token: admin.token }, csv);
  expect(await finished({ ...gateway, token: admin.token }, brought.body, 30_000)).toMatchObject({ created: 5_000 });
  const { body: batch, status } = await postBatch(admin, { ...WARMER, areaCode: '141023', expiresInS: 900 });
  expect([status, batch.total, batch.counts]).toEqual([202, 5_000, { waiting: 5_000 }]);
  // Two cells with one a turn each.
  const begun = await eventually(async () => {
    const { body } = await admin.get<Batch>(`/command-batches/${batch.id}`);
    return (body.counts.queued ?? 0) >= 6 && body;
  });
  const seconds = (Date.now() - Date.parse(batch.createdAt)) / 1_000;
  expect(begun.counts.queued).toBeLessThanOrEqual(2 * (seconds + 1));
  const more = await postBatch(admin, { ...WARMER, terminalIds: Array.from({ length: 5_001 }, (_, n) => `t-${n}`) });
  expect(more.status).toBe(400);
}, 90_000);
