import { copyFile, cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Caller } from '../../src/areas/scope.ts';
import { createAudit } from '../../src/audit/audit.ts';
import { projectRoot } from '../../src/config.ts';
import { openDatabase } from '../../src/db/database.ts';
import type { QuarantineCount, Quarantined, Requeued } from '../../src/http/schemas/readings.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { openQuarantine } from '../../src/readings/quarantine.ts';
import { createRequeue } from '../../src/readings/requeue.ts';
import { openSpool } from '../../src/readings/spool.ts';
import { textOfRegisters } from '../../src/terminals/frames.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { openRegistry } from '../../src/terminals/registry.ts';
import { openSealedSecrets } from '../../src/terminals/sealed-secrets.ts';
import { ADMIN, connectTerminal, makeTerminal, sendReading, signIn, startTestGateway } from '../helpers/gateway.ts';
import { spoolOptions } from '../helpers/spool.ts';
import { tempFolder } from '../helpers/temp.ts';

const CALLER: Caller = { id: 'a', name: 'a', role: 'admin', companyId: null, areaCode: null, householdId: null };
const log = createLog('silent');
const going = () => new AbortController().signal;
const unknown = (metric: string) => ({ reason: 'unknown_metric' as const, metric, detail: '' });

/** Terminals, a quarantine and a spool, without the rest of a gateway. */
async function openParts() {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const db = stack.use(await openDatabase(join(folder.path, 'db.sqlite'), log));
  const profiles = loadProfiles(join(projectRoot, 'config/profiles'));
  const sealedSecrets = await openSealedSecrets(join(folder.path, 'secrets.key'), { db, log });
  const registry = await openRegistry({
    db,
    clock: systemClock,
    profiles,
    audit: createAudit({ db, clock: systemClock }),
    sealedSecrets,
    onChange: () => undefined,
  });
  await registry.create(CALLER, { id: 'boiler', profile: 'gas-boiler', connection: { type: 'mqtt' } });
  await registry.create(CALLER, { id: 'heater', profile: 'electric-heater', connection: { type: 'mqtt' } });
  const line = { host: '127.0.0.1', port: 502 };
  await registry.create(CALLER, {
    id: 'meter',
    profile: 'eastron-sdm120',
    connection: { type: 'modbus', line, unit: 1 },
  });
  const limits = { rows: 10_000, rowsPerTerminal: 1_000, bytes: 1e9, bytesPerTerminal: 1e9, commitWaitMs: 1 };
  const quarantine = stack.use(await openQuarantine(limits, { db, clock: systemClock, log }));
  const spool = stack.use(await openSpool(spoolOptions(join(folder.path, 'spool')), { clock: systemClock, log }));
  const requeue = createRequeue({ db, quarantine, spool, registry, maxFutureMs: 0 });
  return {
    quarantine,
    requeue,
    rows: async () => (await quarantine.list(CALLER, { limit: 500 })).items,
    spooled: async () =>
      (await spool.read(0, 1_000)).map(({ terminalId, time, values }) => ({ terminalId, time, values })),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const reading = (time: number, values: object) => JSON.stringify({ time, values });
const LONG_AGO = Date.now() - 86_400_000;

test('what is good now goes to the spool under its own time and leaves; what is still bad stays, with its new reason', async () => {
  await using parts = await openParts();
  const { quarantine, requeue, rows, spooled } = parts;
  await quarantine.add(
    'boiler',
    [unknown('supply_c'), unknown('return_c')],
    reading(LONG_AGO, { supply_c: 50, return_c: 40 }),
    true,
  );
  await quarantine.add('boiler', [unknown('room_c')], reading(LONG_AGO + 1, { room_c: 'warm', supply_c: 51 }), true);
  expect(await requeue({}, going())).toEqual({ requeued: 1, stillRefused: 1 });
  expect(await spooled()).toEqual([
    { terminalId: 'boiler', time: LONG_AGO, values: { supply_c: 50, return_c: 40 } },
    { terminalId: 'boiler', time: LONG_AGO + 1, values: { supply_c: 51 } },
  ]);
  expect(await rows()).toMatchObject([{ reason: 'wrong_type', metric: 'room_c' }]);
  expect(await requeue({}, going())).toEqual({ requeued: 0, stillRefused: 1 });
  expect(await rows()).toHaveLength(1);
});

test('a frame that is refused for more reasons than before has a row for each, in its old place', async () => {
  await using parts = await openParts();
  const frame = reading(LONG_AGO, { room_c: 'a', supply_c: 'b', return_c: 'c' });
  await parts.quarantine.add('boiler', [{ reason: 'bad_json', detail: '' }], frame, true);
  const [before] = await parts.rows();
  await parts.requeue({}, going());
  const after = await parts.rows();
  expect(after.map(({ metric }) => metric).sort()).toEqual(['return_c', 'room_c', 'supply_c']);
  expect(after.map(({ receivedAt }) => receivedAt)).toEqual(Array(3).fill(before?.receivedAt));
  expect(after.map(({ id }) => id)).toContain(before?.id);
});

test('polled registers are decoded again, under the time of their poll', async () => {
  await using parts = await openParts();
  const input = new Map([
    [0, 0x4366],
    [1, 0x3334],
  ]);
  const frame = textOfRegisters({ holding: new Map(), input }, LONG_AGO);
  await parts.quarantine.add('meter', [{ reason: 'out_of_range', metric: 'voltage_v', detail: '' }], frame, true);
  await parts.quarantine.add('meter', [{ reason: 'out_of_range', detail: '' }], '{"holding":[]}', true);
  expect(await parts.requeue({}, going())).toEqual({ requeued: 1, stillRefused: 1 });
  expect(await parts.spooled()).toEqual([{ terminalId: 'meter', time: LONG_AGO, values: { voltage_v: 230.2 } }]);
  expect(await parts.rows()).toMatchObject([{ reason: 'bad_payload' }]);
});

test('a reading that was ahead of its arrival does not become good by waiting', async () => {
  await using parts = await openParts();
  const soon = Date.now() + 200;
  await parts.quarantine.add('boiler', [{ reason: 'future_time', detail: '' }], reading(soon, { room_c: 20 }), true);
  while (Date.now() <= soon) await new Promise((resolve) => setImmediate(resolve));
  expect(await parts.requeue({}, going())).toEqual({ requeued: 0, stillRefused: 1 });
  expect(await parts.rows()).toMatchObject([{ reason: 'future_time' }]);
});

test('only what was asked for is put in: by terminal, by profile, by any reason of the frame', async () => {
  await using parts = await openParts();
  const { quarantine, requeue, rows } = parts;
  for (const id of ['boiler', 'heater']) {
    await quarantine.add(
      id,
      [unknown('x_c'), { reason: 'bad_time', detail: '' }],
      reading(LONG_AGO, { room_c: 20 }),
      true,
    );
  }
  expect(await requeue({ reason: 'wrong_type' }, going())).toEqual({ requeued: 0, stillRefused: 0 });
  expect(await requeue({ terminalId: 'nobody' }, going())).toEqual({ requeued: 0, stillRefused: 0 });
  expect(await requeue({ profile: 'gas-boiler', reason: 'bad_time' }, going())).toEqual({
    requeued: 1,
    stillRefused: 0,
  });
  expect((await rows()).map(({ terminalId }) => terminalId)).toEqual(['heater', 'heater']);
  expect(await requeue({ terminalId: 'heater' }, going())).toEqual({ requeued: 1, stillRefused: 0 });
});

test('what is no message of readings, and what the store refused, is left alone', async () => {
  await using parts = await openParts();
  await parts.quarantine.add('boiler', [{ reason: 'store_refused', detail: '' }], reading(LONG_AGO, { room_c: 20 }));
  expect(await parts.requeue({}, going())).toEqual({ requeued: 0, stillRefused: 0 });
  expect(await parts.rows()).toHaveLength(1);
});

test('many frames go in batches, each once, and it ends when its caller has left', async () => {
  await using parts = await openParts();
  const { quarantine, requeue, spooled } = parts;
  const frames = Array.from({ length: 230 }, (_, n) => reading(LONG_AGO + n, { room_c: 20 }));
  await Promise.all(frames.map((frame) => quarantine.add('boiler', [unknown('room_c')], frame, true)));
  const left = new AbortController();
  const leaving = requeue({}, left.signal);
  await expect(requeue({}, going())).rejects.toThrow('already');
  left.abort();
  const first = await leaving;
  expect(first.requeued).toBeLessThan(230);
  const rest = await requeue({}, going());
  expect(first.requeued + rest.requeued).toBe(230);
  expect((await spooled()).map(({ time }) => time)).toEqual(frames.map((_, n) => LONG_AGO + n));
});

test('after a profile was mended and the gateway started again, its messages are put in, and a kill in between costs nothing', async () => {
  await using folder = await tempFolder();
  const profiles = join(folder.path, 'profiles');
  await cp(join(projectRoot, 'config/profiles'), profiles, { recursive: true });
  const boiler = join(profiles, 'gas-boiler.yaml');
  const start = () => startTestGateway({ folder: folder.path, overrides: { files: { profiles } } });
  const now = Date.now();

  const before = await start();
  const terminal = await makeTerminal(before.admin, { id: 'B1', profile: 'gas-boiler' });
  const client = await connectTerminal(before, terminal);
  await sendReading(client, 'B1', { room_c: 20, outdoor_c: -5 }, now - 2_000);
  await sendReading(client, 'B1', { outdoor_c: 'cold' }, now - 1_000);
  await client.endAsync();
  expect((await before.admin.post<Requeued>('/quarantine/requeue', {})).body).toEqual({ requeued: 0, stillRefused: 2 });
  await before[Symbol.asyncDispose]();

  const text = await readFile(boiler, 'utf8');
  const outdoor = '  outdoor_c: { kind: gauge, min: -60, max: 60, title: { zh: 室外温度, en: Outdoor } }\n';
  await writeFile(boiler, text.replace('metrics:\n', `metrics:\n${outdoor}`));
  const rows = join(folder.path, 'data/hearthgate.sqlite');
  await copyFile(rows, `${rows}.before`);

  for (const round of ['first', 'after the rows came back']) {
    await using gateway = await start();
    const admin = await signIn(gateway.origin, ADMIN);
    const { body } = await admin.post<Requeued>('/quarantine/requeue', { profile: 'gas-boiler' });
    expect(body, round).toEqual({ requeued: 1, stillRefused: 1 });
    const { body: left } = await admin.get<{ items: Quarantined[] }>('/quarantine');
    expect(left.items.map(({ reason, metric }) => [reason, metric])).toEqual([['wrong_type', 'outdoor_c']]);
    const { body: counts } = await admin.get<{ items: QuarantineCount[] }>('/quarantine/counts?terminalId=B1');
    expect(counts.items).toMatchObject([{ reason: 'unknown_metric', metric: 'outdoor_c', count: 2 }]);
    for (const [metric, value] of [
      ['outdoor_c', -5],
      ['room_c', 20],
    ] as const) {
      await expect
        .poll(async () => {
          const path = `/terminals/B1/readings?metric=${metric}&from=${now - 60_000}&to=${now + 60_000}`;
          return (await admin.get<{ points: { time: string; value: number }[] }>(path)).body.points;
        })
        .toEqual([{ time: new Date(now - 2_000).toISOString(), value }]);
    }
    await gateway[Symbol.asyncDispose]();
    // As if the gateway had been killed after the readings were in the spool and before their rows left.
    await copyFile(`${rows}.before`, rows);
  }
});
