import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openBilling } from '../../src/billing/billing.ts';
import { openInvoicing } from '../../src/billing/invoicing.ts';
import { createLateUse } from '../../src/billing/late-use.ts';
import { projectRoot } from '../../src/config.ts';
import { openDatabase } from '../../src/db/database.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { openEmbeddedStore } from '../../src/readings/store-embedded.ts';
import { createMeterExchanges } from '../../src/terminals/meter-exchanges.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { storeParts } from '../helpers/store.ts';
import { fillRows, fillStore, TARIFF } from './billing-fill.ts';
import { benchLedger } from './billing-ledger.ts';
import { cpuSeconds, machine, residentMiB, wait } from './machine.ts';

/**
 * `npm run bench billing`: the bills of a month for 10,000 and 100,000 households (`SIZES`), each with a gas meter that is read once a day
 * (`EVERY_H`, hours), what late readings cost then, and balances in ledgers of two sizes (`ENTRIES`). Each part is a process of its own.
 */

const SIZES = (process.env['SIZES'] ?? '10000,100000').split(',').map(Number);
const ENTRIES = (process.env['ENTRIES'] ?? '1000000,5000000').split(',').filter(Boolean).map(Number);
const EVERY_H = Number(process.env['EVERY_H'] ?? 24);
const SAMPLE_MS = 50;
const QUIET_MS = 3_600_000;

async function fill(folder: string, size: number): Promise<void> {
  await writeFile(join(folder, 'bench.yaml'), TARIFF);
  await using db = await openDatabase(join(folder, 'db.sqlite'), createLog('silent'));
  await fillRows(db, size);
  await using store = await openEmbeddedStore(join(folder, 'readings'), storeParts());
  await fillStore(store, { size, everyH: EVERY_H, late: false });
}

/** What happens meanwhile: time, CPU time of all threads, the most memory and the longest stall of the event loop. */
async function watched(task: () => Promise<void>) {
  globalThis.gc?.();
  let most = residentMiB(process.pid);
  const timer = setInterval(() => (most = Math.max(most, residentMiB(process.pid))), SAMPLE_MS);
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  const cpu = cpuSeconds(process.pid);
  const began = performance.now();
  await task();
  const seconds = (performance.now() - began) / 1_000;
  loop.disable();
  clearInterval(timer);
  const [longest, p99] = [loop.max / 1e6, loop.percentile(99) / 1e6];
  return { seconds, cpu: cpuSeconds(process.pid) - cpu, most, longest, p99 };
}

interface Result {
  msOfCpu: number;
  seconds: number;
  most: number;
}

async function run(folder: string, size: number): Promise<Result> {
  const log = createLog('silent');
  let ahead = 0;
  const clock: Clock = { ...systemClock, now: () => Date.now() + ahead };
  await using db = await openDatabase(join(folder, 'db.sqlite'), log);
  await using store = await openEmbeddedStore(join(folder, 'readings'), storeParts());
  const amounts = { depositFen: 100_000, adjustmentFen: 100_000 };
  const billing = openBilling({ db, clock, log, settings: amounts });
  const lateUse = createLateUse({ db, clock });
  const meterExchanges = createMeterExchanges({ db, clock, onRecorded: lateUse.note });
  const profiles = loadProfiles(join(projectRoot, 'config/profiles'));
  const settings = { folder, holdAfterDays: 5, autoRun: false, recheckDays: 62, lowBalanceFen: 5_000 };
  const parts = { db, clock, log, billing, store, meterExchanges, lateUse, profiles, gatewayId: 'bench' };
  await using invoicing = await openInvoicing(settings, parts);
  const company = await db.selectFrom('companies').selectAll().executeTakeFirstOrThrow();
  const request = { kind: 'monthly' as const, period: '2025-11', dryRun: false, by: 'bench' };
  let found = await db.transaction().execute((transaction) => invoicing.runs.add(transaction, company, request));
  const cost = await watched(async () => {
    invoicing.runs.begin(found.id, company);
    for (; found.state === 'running'; found = await invoicing.runs.get(found.id)) await wait(100);
  });
  const msOfCpu = (cost.cpu * 1_000) / size;
  console.error(
    `${size} households: ${found.state}, ${found.made} bills in ${cost.seconds.toFixed(0)} s, ${Math.round(size / cost.seconds)} a second, ${msOfCpu.toFixed(2)} ms of CPU each; ` +
      `memory at most ${cost.most} MiB; event loop late by ${cost.p99.toFixed(0)} ms at p99, ${cost.longest.toFixed(0)} ms at most`,
  );

  const late = await fillStore(store, { size, everyH: EVERY_H, late: true }, lateUse.note);
  ahead = QUIET_MS;
  const looked = await watched(async () => {
    while ((await lateUse.due(1)).length > 0) await invoicing.tend();
  });
  const { count } = await db
    .selectFrom('bills')
    .select((row) => row.fn.countAll<number>().as('count'))
    .where('lateFen', 'is not', null)
    .executeTakeFirstOrThrow();
  console.error(
    `  then ${late.readings} readings of ${late.terminals} terminals come late: looked at in ${looked.seconds.toFixed(1)} s, ${((looked.cpu * 1_000) / late.terminals).toFixed(2)} ms of CPU each, ` +
      `${count} bills would be others; memory at most ${looked.most} MiB, event loop late by ${looked.longest.toFixed(0)} ms at most`,
  );
  return { msOfCpu, seconds: cost.seconds, most: cost.most };
}

const itself = (...args: string[]): string =>
  execFileSync(process.execPath, ['--expose-gc', import.meta.filename, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });

async function everything(): Promise<void> {
  const load = () => `load ${loadavg()[0]?.toFixed(1)}`;
  console.log(`${machine()}, ${load()}, a reading each ${EVERY_H} h`);
  const results: Result[] = [];
  for (const size of SIZES) {
    const folder = await mkdtemp(join(tmpdir(), 'hearthgate-bench-'));
    try {
      itself('fill', folder, String(size));
      results.push(JSON.parse(itself('run', folder, String(size))));
      console.log(`  ${load()}`);
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  const [first, last] = [results.at(0), results.at(-1)];
  if (first && last && first !== last) {
    const times = (of: (result: Result) => number) => (of(last) / of(first)).toFixed(2);
    console.log(
      `growth from ${SIZES.at(0)} to ${SIZES.at(-1)}: time × ${times((one) => one.seconds)}, CPU time a bill × ${times((one) => one.msOfCpu)}, memory × ${times((one) => one.most)}`,
    );
  }
  for (const entries of ENTRIES) process.stdout.write(itself('ledger', String(entries)));
}

const [part, folder = '', size = ''] = process.argv.slice(2);
if (part === 'fill') await fill(folder, Number(size));
else if (part === 'run') console.log(JSON.stringify(await run(folder, Number(size))));
else if (part === 'ledger') await benchLedger(Number(folder));
else await everything();
