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
import { type Database, openDatabase } from '../../src/db/database.ts';
import type { ImportKindName } from '../../src/db/schema-imports.ts';
import { openImports } from '../../src/imports/imports.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { xlsxOfSheet } from '../../src/reports/xlsx.ts';
import { createHandout } from '../../src/terminals/handout.ts';
import { terminalImports } from '../../src/terminals/import-kind.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { openRegistry } from '../../src/terminals/registry.ts';
import { openSealedSecrets } from '../../src/terminals/sealed-secrets.ts';

/** What it takes to bring a county in from files: its households with what they begin with, then a terminal for each. Needs `--expose-gc`. */

const BATCH = 1_000;
const DAY_MS = 86_400_000;
const VILLAGE = '141023105201';
const LOOK_MS = 20;

const mib = (bytes: number) => (bytes / 1_048_576).toFixed(0);
const seconds = (since: number) => `${((performance.now() - since) / 1_000).toFixed(1)} s`;

async function* terminalsOf(size: number): AsyncGenerator<Buffer> {
  yield Buffer.from('id,profile,accountNo,installedAt\n');
  for (let start = 0; start < size; start += BATCH) {
    const lines = Array.from({ length: BATCH }, (_, i) => `T${start + i},gas-boiler,H${start + i},2026-11-01 08:30\n`);
    yield Buffer.from(lines.join(''));
  }
}

/** Half of them owe, and all have a deposit. */
async function* householdRows(size: number): AsyncGenerator<(string | bigint)[]> {
  for (let n = 0; n < size; n += 1) {
    yield [`H${n}`, `户主${n}`, VILLAGE, 'c', `一组 ${n} 号`, n % 2 === 0 ? -12_050n : 30_000n, 100_000n];
  }
}
const householdsOf = (size: number): AsyncIterable<Buffer> =>
  xlsxOfSheet({
    titles: ['户号', '户名', '区域代码', '企业', '地址', '期初余额', '押金'],
    rows: householdRows(size),
  });

/** How late the loop and a write of somebody else were at most, and how much memory was taken. */
function watch(db: Database) {
  globalThis.gc?.();
  const before = process.memoryUsage();
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  let most = 0;
  let longestWrite = 0;
  return {
    async look(): Promise<void> {
      most = Math.max(most, process.memoryUsage().rss);
      const began = performance.now();
      await db.updateTable('companies').set({ name: 'c' }).where('id', '=', 'co').execute();
      longestWrite = Math.max(longestWrite, performance.now() - began);
    },
    end(): string {
      loop.disable();
      const late = (nanoseconds: number) => (nanoseconds / 1e6).toFixed(0);
      return `the loop late by ${late(loop.percentile(99))} ms at p99, ${late(loop.max)} ms at most, another write by ${longestWrite.toFixed(0)} ms at most; RSS ${mib(most)} MiB at most, ${mib(before.rss)} before`;
    },
  };
}

export async function* benchImport(size: number, caller: Caller): AsyncGenerator<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hearthgate-bench-'));
  const log = createLog('silent');
  const clock = systemClock;
  await using db = await openDatabase(join(folder, 'rows.sqlite'), log);
  await loadAreas(db, join(projectRoot, 'config/areas'));
  await db.insertInto('companies').values({ id: 'co', name: 'c', createdAt: 1 }).execute();
  const profiles = loadProfiles(join(projectRoot, 'config/profiles'));
  const sealedSecrets = await openSealedSecrets(join(folder, 'secrets.key'), { db, log });
  const registry = await openRegistry({
    db,
    clock,
    profiles,
    audit: createAudit({ db, clock }),
    sealedSecrets,
    onChange: () => undefined,
  });
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
    limits: { rows: 1_000_000, bytes: 1_000_000_000 },
  });
  const handout = createHandout({
    db,
    clock,
    audit: createAudit({ db, clock }),
    registry,
    sealedSecrets,
    imports,
    claimMs: DAY_MS,
  });

  async function run(kind: ImportKindName, file: AsyncIterable<Buffer>, look?: () => Promise<void>) {
    const began = performance.now();
    const request = { kind, fileName: '', dryRun: false, unclaimed: false };
    const { id } = await imports.receive(caller, Readable.from(file), request);
    for (;;) {
      const { finishedAt, state, detail, errors } = await imports.get(caller, id);
      if (finishedAt !== null && state !== 'done') throw new Error(`${state}: ${detail}, ${errors} errors`);
      if (finishedAt !== null) return { id, took: seconds(began) };
      await look?.();
      await wait(LOOK_MS);
    }
  }

  const households = watch(db);
  const first = await run('households', householdsOf(size), households.look);
  const seen = households.end();
  const again = await run('households', householdsOf(size));
  yield `${size} households with balances, XLSX: imported in ${first.took}, the same file again ${again.took}; ${seen}`;

  const terminals = watch(db);
  const { id, took } = await run('terminals', terminalsOf(size), terminals.look);
  const exporting = performance.now();
  const { lines } = await handout(caller, id);
  let given = -1;
  for await (const text of lines) given += text.split('\n').length - 1;
  const exported = seconds(exporting);
  const late = terminals.end();
  const second = await run('terminals', terminalsOf(size));
  yield `${size} terminals, CSV: imported in ${took}, ${given} secrets handed out in ${exported}, the same file again ${second.took}; ${late}`;
  await rm(folder, { recursive: true });
}
