import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { loadAreas } from '../../src/areas/areas.ts';
import type { Caller } from '../../src/areas/scope.ts';
import { createAudit } from '../../src/audit/audit.ts';
import { householdImports } from '../../src/billing/import-kind.ts';
import { createLedger } from '../../src/billing/ledger.ts';
import { loadTariffs } from '../../src/billing/tariff-files.ts';
import { createTerms } from '../../src/billing/terms.ts';
import { projectRoot } from '../../src/config.ts';
import { openDatabase } from '../../src/db/database.ts';
import { openImports } from '../../src/imports/imports.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { createHandout } from '../../src/terminals/handout.ts';
import { terminalImports } from '../../src/terminals/import-kind.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { openRegistry } from '../../src/terminals/registry.ts';
import { openSealedSecrets } from '../../src/terminals/sealed-secrets.ts';

/** What it takes to bring a county's terminals in from a file, each with its household. Needs `--expose-gc`. */

const BATCH = 1_000;
const DAY_MS = 86_400_000;
const VILLAGE = '141023105201';
const LOOK_MS = 20;

const mib = (bytes: number) => (bytes / 1_048_576).toFixed(0);
const seconds = (since: number) => `${((performance.now() - since) / 1_000).toFixed(1)} s`;

async function* sheetOf(size: number): AsyncGenerator<Buffer> {
  yield Buffer.from('id,profile,accountNo,installedAt\n');
  for (let start = 0; start < size; start += BATCH) {
    const lines = Array.from({ length: BATCH }, (_, i) => `T${start + i},gas-boiler,H${start + i},2026-11-01 08:30\n`);
    yield Buffer.from(lines.join(''));
  }
}

export async function benchImport(size: number, caller: Caller): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hearthgate-bench-'));
  const log = createLog('silent');
  const clock = systemClock;
  await using db = await openDatabase(join(folder, 'rows.sqlite'), log);
  await loadAreas(db, join(projectRoot, 'config/areas'));
  await db.insertInto('companies').values({ id: 'co', name: 'c', createdAt: 1 }).execute();
  for (let start = 0; start < size; start += BATCH) {
    const households = Array.from({ length: BATCH }, (_, i) => ({
      id: `hh_${start + i}`,
      accountNo: `H${start + i}`,
      name: `Household ${start + i}`,
      areaCode: VILLAGE,
      companyId: 'co',
      vulnerable: 0,
      createdAt: 1,
    }));
    await db.insertInto('households').values(households).execute();
  }
  const profiles = loadProfiles(join(projectRoot, 'config/profiles'));
  const sealedSecrets = await openSealedSecrets(join(folder, 'secrets.key'), { db, log });
  const registry = await openRegistry({ db, clock, profiles, sealedSecrets, onChange: () => undefined });
  const limits = { rows: 1_000_000, bytes: 1_000_000_000 };
  const tariffs = loadTariffs(join(projectRoot, 'config/tariffs'));
  const terms = createTerms({ db, clock, tariffs });
  await using imports = await openImports({
    ...{ db, clock, log, audit: createAudit({ db, clock }) },
    kinds: {
      terminals: terminalImports({ db, clock, profiles, registry, exportMs: DAY_MS }),
      households: householdImports({ db, clock, ledger: createLedger({ db }), terms, tariffs }),
    },
    gatewayId: 'bench',
    folder: join(folder, 'imports'),
    limits,
  });
  const handout = createHandout({ db, clock, registry, sealedSecrets, imports, claimMs: DAY_MS });

  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();

  async function run(): Promise<string> {
    const began = performance.now();
    const { id } = await imports.receive(caller, Readable.from(sheetOf(size)), {
      kind: 'terminals',
      fileName: '',
      dryRun: false,
      unclaimed: false,
    });
    for (;;) {
      const { finishedAt, state, detail } = await imports.get(caller, id);
      most = Math.max(most, process.memoryUsage().heapUsed);
      if (finishedAt !== null && state !== 'done') throw new Error(`${state}: ${detail}`);
      if (finishedAt !== null) break;
      await wait(LOOK_MS);
    }
    took.push(seconds(began));
    return id;
  }

  const took: string[] = [];
  const id = await run();
  const exporting = performance.now();
  const { lines } = await handout(caller, id);
  let given = -1;
  for await (const text of lines) given += text.split('\n').length - 1;
  const exported = seconds(exporting);
  await run();
  loop.disable();
  globalThis.gc?.();
  const kept = process.memoryUsage().heapUsed - before;
  const delay = (nanoseconds: number) => (nanoseconds / 1e6).toFixed(1);
  await rm(folder, { recursive: true });
  return (
    `${size} rows: imported in ${took[0]}, ${given} secrets handed out in ${exported}, the same file again ${took[1]}; ` +
    `the loop late by ${delay(loop.percentile(99))} ms at p99, ${delay(loop.max)} ms at most; ${mib(kept)} MiB stay, ${mib(most - before)} MiB at most`
  );
}
