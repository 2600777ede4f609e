import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Caller } from '../../src/areas/scope.ts';
import { createAudit } from '../../src/audit/audit.ts';
import { openDatabase } from '../../src/db/database.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { openRegistry } from '../../src/terminals/registry.ts';
import { openSealedSecrets } from '../../src/terminals/sealed-secrets.ts';
import { tempFolder } from '../helpers/temp.ts';

const ADMIN: Caller = { id: 'a', name: 'admin', role: 'admin', companyId: null, areaCode: null, householdId: null };
const log = createLog('silent');

/** A database with a terminal that signs, and one that does not. */
async function open() {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const file = join(folder.path, 'secrets.key');
  const db = stack.use(await openDatabase(':memory:', log));
  const sealedSecrets = await openSealedSecrets(file, { db, log });
  const profiles = loadProfiles('config/profiles');
  const audit = createAudit({ db, clock: systemClock });
  const parts = { db, clock: systemClock, audit, profiles, sealedSecrets, onChange: () => undefined };
  const registry = await openRegistry(parts);
  const connection = { type: 'mqtt' } as const;
  const { secret } = await registry.create(ADMIN, { id: 'signs', profile: 'huawei-heater', connection });
  await registry.create(ADMIN, { id: 'other', profile: 'huawei-heater', connection });
  await registry.create(ADMIN, { id: 'boiler', profile: 'gas-boiler', connection });
  const rows = () => db.selectFrom('sealedSecrets').selectAll().orderBy('terminalId').execute();
  const opened = stack.move();
  return { file, db, registry, sealedSecrets, secret, rows, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

test('only secrets that sign are kept, sealed, and the key is for its owner alone', async () => {
  await using world = await open();
  const rows = await world.rows();
  expect(rows.map(({ terminalId }) => terminalId)).toEqual(['other', 'signs']);
  expect(JSON.stringify(rows)).not.toContain(world.secret);
  expect(world.sealedSecrets.secretOf('signs')).toBe(world.secret);
  expect(world.sealedSecrets.secretOf('boiler')).toBeUndefined();
  expect((await stat(world.file)).mode & 0o777).toBe(0o600);
  expect((await readFile(world.file)).length).toBe(32);
});

test('after a restart they are there', async () => {
  await using world = await open();
  const again = await openSealedSecrets(world.file, { db: world.db, log });
  expect(again.secretOf('signs')).toBe(world.secret);
});

test('a row that was changed, or that is another terminal’s, gives nothing', async () => {
  await using world = await open();
  const [other] = await world.rows();
  const set = (sealed: string) =>
    world.db.updateTable('sealedSecrets').set({ sealed }).where('terminalId', '=', 'signs').execute();
  await set(other?.sealed ?? '');
  expect((await openSealedSecrets(world.file, { db: world.db, log })).secretOf('signs')).toBeUndefined();
  await set('AAAA');
  expect((await openSealedSecrets(world.file, { db: world.db, log })).secretOf('signs')).toBeUndefined();
});

test('another key opens nothing, and one that others may read or that is cut short stops the start', async () => {
  await using world = await open();
  await chmod(world.file, 0o644);
  await expect(openSealedSecrets(world.file, { db: world.db, log })).rejects.toThrow('chmod 600');
  await chmod(world.file, 0o600);
  await writeFile(world.file, 'short');
  await expect(openSealedSecrets(world.file, { db: world.db, log })).rejects.toThrow('5 bytes');
  await rm(world.file);
  expect((await openSealedSecrets(world.file, { db: world.db, log })).secretOf('signs')).toBeUndefined();
});

test('the secret goes with its terminal, and a failed registration leaves none', async () => {
  await using world = await open();
  const again = { id: 'signs', profile: 'huawei-heater', connection: { type: 'mqtt' } } as const;
  await expect(world.registry.create(ADMIN, again)).rejects.toThrow('exists already');
  expect(world.sealedSecrets.secretOf('signs')).toBe(world.secret);
  await world.registry.remove(ADMIN, 'signs');
  expect(world.sealedSecrets.secretOf('signs')).toBeUndefined();
  expect((await world.rows()).map(({ terminalId }) => terminalId)).toEqual(['other']);
});
