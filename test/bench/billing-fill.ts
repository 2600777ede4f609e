import type { Database } from '../../src/db/database.ts';
import { chunksOf } from '../../src/lib/chunks.ts';
import type { SpoolRecord } from '../../src/readings/segments.ts';
import type { ReadingStore } from '../../src/readings/store.ts';

/** Households, each with a gas meter, and what the meters said in a month: of some, the last days come only later. */

export const TARIFF = `tariff: bench
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

const ROWS_AT_ONCE = 1_000;
const RECORDS_AT_ONCE = 50_000;
const HOUR_MS = 3_600_000;
const START = Date.parse('2025-10-31T02:00:00+08:00');
const END = Date.parse('2025-12-02T03:00:00+08:00');
const SILENT_FROM = Date.parse('2025-11-27T00:00:00+08:00');
const SILENT_EVERY = 33;

const nameOf = (n: number): string => String(n).padStart(6, '0');
const isSilent = (n: number): boolean => n % SILENT_EVERY === 0;

export async function fillRows(db: Database, size: number): Promise<void> {
  await db.insertInto('companies').values({ id: 'co', name: 'Bench', createdAt: 1 }).execute();
  await db
    .insertInto('areas')
    .values({ code: '14', name: 'Bench', level: 'county', parent: null, personName: null, personPhone: null })
    .execute();
  const all = Array.from({ length: size }, (_, n) => nameOf(n));
  for (const some of chunksOf(all, ROWS_AT_ONCE)) {
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

/** In the order in which terminals would send. */
function* recordsOf(size: number, everyH: number, late: boolean): Generator<SpoolRecord> {
  let sequence = late ? 1e12 : 0;
  for (let time = START; time < END; time += everyH * HOUR_MS) {
    const days = (time - START) / (24 * HOUR_MS);
    for (let n = 0; n < size; n += 1) {
      if ((isSilent(n) && time >= SILENT_FROM) !== late) continue;
      sequence += 1;
      const values = { gas_m3: 100 + days * (4 + (n % 300) / 25) };
      yield { sequence, terminalId: `t${nameOf(n)}`, time, values };
    }
  }
}

/** Through the store itself. With `late`, what was missing. Gives how many readings, and of how many terminals. */
export async function fillStore(
  store: ReadingStore,
  { size, everyH, late }: { size: number; everyH: number; late: boolean },
  before: (records: SpoolRecord[]) => Promise<void> = async () => {},
): Promise<{ readings: number; terminals: number }> {
  const terminals = new Set<string>();
  let readings = 0;
  let some: SpoolRecord[] = [];
  async function write(): Promise<void> {
    await before(some);
    await store.write(some);
    readings += some.length;
    some = [];
  }
  for (const record of recordsOf(size, everyH, late)) {
    some.push(record);
    terminals.add(record.terminalId);
    if (some.length === RECORDS_AT_ONCE) await write();
  }
  if (some.length > 0) await write();
  await store.tend();
  return { readings, terminals: terminals.size };
}
