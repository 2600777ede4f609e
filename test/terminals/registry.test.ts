import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Caller } from '../../src/areas/scope.ts';
import { createAudit } from '../../src/audit/audit.ts';
import { projectRoot } from '../../src/config.ts';
import { openDatabase } from '../../src/db/database.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { NO_CREDENTIALS } from '../../src/terminals/credentials.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { openRegistry } from '../../src/terminals/registry.ts';
import { openSealedSecrets } from '../../src/terminals/sealed-secrets.ts';
import { tempFolder } from '../helpers/temp.ts';

/** The terminals in memory, whatever came and went. */

const ADMIN: Caller = { id: 'a', name: 'a', role: 'admin', companyId: null, areaCode: null, householdId: null };
const profiles = loadProfiles(join(projectRoot, 'config/profiles'));
const modbus = (unit: number) => ({ type: 'modbus', line: { host: '127.0.0.1', port: 502 }, unit }) as const;
const UNITS = 5;

const open = async () => {
  const log = createLog('silent');
  const folder = await tempFolder();
  const db = await openDatabase(':memory:', log);
  const sealedSecrets = await openSealedSecrets(join(folder.path, 'secrets.key'), { db, log });
  await folder[Symbol.asyncDispose]();
  const onChange = () => undefined;
  return {
    db,
    registry: await openRegistry({
      db,
      clock: systemClock,
      profiles,
      audit: createAudit({ db, clock: systemClock }),
      sealedSecrets,
      onChange,
    }),
  };
};

test('whatever is added, changed and removed, the list has each terminal once and in order, and a unit has one terminal', async () => {
  const step = fc.record({
    what: fc.constantFrom('add', 'move', 'remove', 'look' as const),
    id: fc.integer({ min: 0, max: 9 }),
    unit: fc.integer({ min: 1, max: UNITS }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { db, registry } = await open();
      await using _db = db;
      const expected = new Map<string, number>();
      const listed = () => registry.list(ADMIN, { limit: 100 }).items.map(({ id }) => id);
      for (const { what, id: n, unit } of steps) {
        const id = `t${n}`;
        const free = [...expected].every(([other, taken]) => taken !== unit || (what === 'move' && other === id));
        if (what === 'add') {
          const added = registry.create(ADMIN, { id, profile: 'eastron-sdm120', connection: modbus(unit) });
          if (free && !expected.has(id)) {
            await added;
            expected.set(id, unit);
          } else await expect(added).rejects.toMatchObject({ code: 'conflict' });
        } else if (what === 'move' && expected.has(id)) {
          const moved = registry.update(ADMIN, id, { connection: modbus(unit) });
          if (free) {
            await moved;
            expected.set(id, unit);
          } else await expect(moved).rejects.toMatchObject({ code: 'conflict' });
        } else if (what === 'remove' && expected.delete(id)) await registry.remove(ADMIN, id);
        else if (what === 'look') expect(listed()).toEqual([...expected.keys()].sort());
      }
      expect(listed()).toEqual([...expected.keys()].sort());
      const kept = registry.list(ADMIN, { limit: 100 }).items.map(({ id, connection }) => [id, connection]);
      expect(kept).toEqual([...expected].sort().map(([id, unit]) => [id, modbus(unit)]));
    }),
    { numRuns: 60 },
  );
});

test('what an import has written counts when the import is done, and not before', async () => {
  const { db, registry } = await open();
  await using _ = db;
  const common = {
    requestedBy: 'u',
    requestedName: 'u',
    companyId: null,
    fileName: 'f',
    detail: null,
    finishedAt: null,
  };
  const counts = {
    bytes: 1,
    dryRun: 0,
    unclaimed: 0,
    rowCount: 1,
    created: 1,
    unchanged: 0,
    booked: 0,
    errors: 0,
    createdAt: 1,
  };
  const row = {
    ...common,
    ...counts,
    kind: 'terminals',
    exportUntil: null,
    exportedAt: null,
    gatewayId: 'another',
    state: 'writing',
  } as const;
  await db
    .insertInto('imports')
    .values({ id: 'imp', ...row })
    .execute();
  const place = { householdId: null, companyId: null, areaCode: null, householdSince: null, installedAt: null };
  const terminal = { ...NO_CREDENTIALS, ...place, profile: 'gas-boiler', connection: '{"type":"mqtt"}' };
  const written = { ...terminal, importId: 'imp', commandSequence: 0, createdAt: 1, removedAt: null };
  await db
    .insertInto('terminals')
    .values({ id: 'I', ...written })
    .execute();
  await registry.follow(['I']);
  expect(registry.find('I')).toBeUndefined();
  await db.updateTable('imports').set({ state: 'done' }).execute();
  await registry.follow(['I']);
  expect(registry.find('I')?.id).toBe('I');
});

test('of two terminals that ask for one unit at the same moment, one gets it', async () => {
  const { db, registry } = await open();
  await using _db = db;
  const asked = ['a', 'b'].map((id) =>
    registry.create(ADMIN, { id, profile: 'eastron-sdm120', connection: modbus(1) }),
  );
  const results = await Promise.allSettled(asked);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
});

test('of two claims of one terminal at the same moment, one binds it', async () => {
  const { db, registry } = await open();
  await using _db = db;
  await db.insertInto('companies').values({ id: 'co', name: 'c', createdAt: 1 }).execute();
  await db
    .insertInto('areas')
    .values({ code: '141023', name: 'x', level: 'county', parent: null, personName: null, personPhone: null })
    .execute();
  const household = { accountNo: 'H', name: 'h', areaCode: '141023', companyId: 'co', vulnerable: 0, createdAt: 1 };
  await db
    .insertInto('households')
    .values({ ...household, id: 'hh' })
    .execute();
  const request = { id: 'a', profile: 'gas-boiler', connection: { type: 'mqtt' }, unclaimed: true } as const;
  const { code } = await registry.create(ADMIN, request);
  const claims = [1, 2].map(() => registry.claims.claim(ADMIN, { id: 'a', code: code ?? '', householdId: 'hh' }));
  const results = await Promise.allSettled(claims);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
});
