import { join } from 'node:path';
import type { Caller } from '../../src/areas/scope.ts';
import { createAudit } from '../../src/audit/audit.ts';
import { projectRoot } from '../../src/config.ts';
import { openDatabase } from '../../src/db/database.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { openRegistry } from '../../src/terminals/registry.ts';
import { openSealedSecrets } from '../../src/terminals/sealed-secrets.ts';
import { tempFolder } from '../helpers/temp.ts';
import { benchImport } from './import.ts';

/** `npm run bench`: what the registry of a county costs, at two sizes. Needs `--expose-gc`. */

const ADMIN: Caller = { id: 'a', name: 'a', role: 'admin', companyId: null, areaCode: null, householdId: null };
const BATCH = 1_000;

const heapMiB = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1_048_576;
};

function timed<T>(task: () => T): string {
  const began = performance.now();
  task();
  return `${(performance.now() - began).toFixed(1)} ms`;
}

for (const size of [10_000, 100_000]) {
  await using folder = await tempFolder();
  await using db = await openDatabase(':memory:', createLog('silent'));
  for (let start = 0; start < size; start += BATCH) {
    const rows = Array.from({ length: BATCH }, (_, i) => ({
      id: `T${start + i}`,
      profile: 'gas-boiler',
      householdId: null,
      companyId: null,
      areaCode: '141023105201',
      connection: '{"type":"mqtt"}',
      secretHash: 'x'.repeat(43),
      commandSequence: 0,
      householdSince: null,
      createdAt: 1,
      removedAt: null,
    }));
    await db.insertInto('terminals').values(rows).execute();
  }
  const before = heapMiB();
  const began = performance.now();
  const profiles = loadProfiles(join(projectRoot, 'config/profiles'));
  const sealedSecrets = await openSealedSecrets(join(folder.path, 'secrets.key'), { db, log: createLog('silent') });
  const registry = await openRegistry({
    db,
    clock: systemClock,
    profiles,
    audit: createAudit({ db, clock: systemClock }),
    sealedSecrets,
    onChange: () => undefined,
  });
  const openMs = (performance.now() - began).toFixed(0);
  const memory = (heapMiB() - before).toFixed(0);
  registry.list(ADMIN, { limit: 1 });
  const page = timed(() => registry.list(ADMIN, { limit: 50 }));
  const search = timed(() => registry.list(ADMIN, { limit: 50, search: 'nobody' }));
  console.log(
    `${size} terminals: ${memory} MiB, opened in ${openMs} ms, a page ${page}, a search without a hit ${search}`,
  );
}

for (const size of [10_000, 100_000]) for await (const line of benchImport(size, ADMIN)) console.log(line);
