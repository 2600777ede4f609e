import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBilling } from '../../src/billing/billing.ts';
import { openInvoicing } from '../../src/billing/invoicing.ts';
import { projectRoot } from '../../src/config.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { chunksOf } from '../../src/lib/chunks.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { openEmbeddedStore } from '../../src/readings/store-embedded.ts';
import { createMeterExchanges } from '../../src/terminals/meter-exchanges.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { storeParts } from '../helpers/store.ts';
import { cpuSeconds, machine, percentile, residentMiB, wait } from './machine.ts';

/** `npm run bench billing`: the bills of a month for 10,000 and 100,000 households, each with a gas meter that is read once a day. */

const BATCH = 1_000;
const START = Date.parse('2025-10-31T02:00:00+08:00');
const READINGS = 33;
const STEP_MS = 24 * 3_600_000;
const TARIFF = `tariff: bench
title: { zh: 阶梯, en: Tiers }
source: this bench
metric: gas_m3
applies: {}
versions:
  - from: 2020-01-01
    rates: { price: 3.26 }
    season:
      from: 11-01
      to: 03-31
      rates: { ladder: { every: month, tiers: [{ upTo: 300, price: 2.72 }, { price: 3.26 }] } }
      subsidy: { title: { zh: 补贴, en: Subsidy }, perUnit: 1, capPerSeason: 1200 }
`;

async function fillRows(db: Database, size: number): Promise<void> {
  await db.insertInto('companies').values({ id: 'co', name: 'Bench', createdAt: 1 }).execute();
  await db
    .insertInto('areas')
    .values({ code: '14', name: 'Bench', level: 'county', parent: null, personName: null, personPhone: null })
    .execute();
  const all = Array.from({ length: size }, (_, n) => String(n).padStart(6, '0'));
  for (const some of chunksOf(all, BATCH)) {
    const households = some.map((n) => ({
      id: `hh_${n}`,
      accountNo: n,
      name: n,
      areaCode: '14',
      companyId: 'co',
      address: null,
      phone: null,
      vulnerable: 0,
      createdAt: 1,
    }));
    const terminals = some.map((n) => ({
      id: `t${n}`,
      profile: 'gas-meter',
      householdId: `hh_${n}`,
      companyId: 'co',
      areaCode: '14',
      connection: '{"type":"mqtt"}',
      secretHash: null,
      commandSequence: 0,
      householdSince: null,
      createdAt: 1,
      removedAt: null,
    }));
    await db.insertInto('households').values(households).execute();
    await db.insertInto('terminals').values(terminals).execute();
  }
}

/** Through the store itself, in the order in which terminals would send. */
async function fillStore(store: Awaited<ReturnType<typeof openEmbeddedStore>>, size: number): Promise<void> {
  let sequence = 0;
  for (let reading = 0; reading < READINGS; reading += 1) {
    const time = START + reading * STEP_MS;
    const all = Array.from({ length: size }, (_, n) => ({
      sequence: ++sequence,
      terminalId: `t${String(n).padStart(6, '0')}`,
      time,
      values: { gas_m3: 100 + reading * (4 + (n % 300) / 25) },
    }));
    for (const some of chunksOf(all, 50_000)) await store.write(some);
  }
  await store.tend();
}

async function bench(size: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'hearthgate-bench-'));
  try {
    await writeFile(join(folder, 'bench.yaml'), TARIFF);
    const log = createLog('silent');
    const clock = systemClock;
    await using db = await openDatabase(join(folder, 'db.sqlite'), log);
    await fillRows(db, size);
    await using store = await openEmbeddedStore(join(folder, 'readings'), storeParts());
    await fillStore(store, size);
    const amounts = { depositFen: 100_000, adjustmentFen: 100_000 };
    const billing = openBilling({ db, clock, log, settings: amounts });
    const meterExchanges = createMeterExchanges({ db, clock });
    const profiles = loadProfiles(join(projectRoot, 'config/profiles'));
    const settings = { folder, holdAfterDays: 5, autoRun: false, recheckDays: 62, lowBalanceFen: 5_000 };
    const parts = { db, clock, log, billing, store, meterExchanges, profiles, gatewayId: 'bench' };
    await using invoicing = await openInvoicing(settings, parts);
    globalThis.gc?.();
    const before = residentMiB(process.pid);
    let most = before;
    const delays: number[] = [];
    const company = await db.selectFrom('companies').selectAll().executeTakeFirstOrThrow();
    const request = { kind: 'monthly' as const, period: '2025-11', dryRun: false, by: 'bench' };
    const cpu = cpuSeconds(process.pid);
    const began = performance.now();
    const run = await db.transaction().execute((transaction) => invoicing.runs.add(transaction, company, request));
    invoicing.runs.begin(run.id, company);
    let found = run;
    while (found.state === 'running') {
      const asked = performance.now();
      await wait(100);
      delays.push(performance.now() - asked - 100);
      most = Math.max(most, residentMiB(process.pid));
      found = await invoicing.runs.get(run.id);
    }
    const seconds = (performance.now() - began) / 1_000;
    const cost = ((cpuSeconds(process.pid) - cpu) * 1_000) / size;
    const late = percentile(
      delays.toSorted((a, b) => a - b),
      0.99,
    );
    console.log(
      `${size} households: ${found.state}, ${found.made} bills in ${seconds.toFixed(0)} s, ${Math.round(size / seconds)} a second, ${cost.toFixed(1)} ms of CPU each; ` +
        `memory ${before} MiB before, at most ${most} MiB; event loop late by ${late.toFixed(0)} ms at p99`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

console.log(machine());
const sizes = process.env['SIZES'] ?? '10000,100000';
for (const size of sizes.split(',').map(Number)) await bench(size);
