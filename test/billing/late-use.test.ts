import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openBilling } from '../../src/billing/billing.ts';
import { openInvoicing } from '../../src/billing/invoicing.ts';
import { createLateUse } from '../../src/billing/late-use.ts';
import { projectRoot } from '../../src/config.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createLog } from '../../src/lib/log.ts';
import { openEmbeddedStore } from '../../src/readings/store-embedded.ts';
import { createMeterExchanges } from '../../src/terminals/meter-exchanges.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { heldClock } from '../helpers/clock.ts';
import { testDatabase } from '../helpers/database.ts';
import { storeParts } from '../helpers/store.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

/** Which bills are looked at again, and when. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MINUTE = 60_000;
const at = (text: string): number => Date.parse(`${text}+08:00`);
const TARIFF = `tariff: plain
title: { zh: 单一价, en: One price }
source: this test
metric: gas_m3
applies: {}
versions: [{ from: 2020-01-01, rates: { price: 2 } }]
`;
const HOUSES = 3;
/** They count a cubic metre an hour, and thirteen more on the first of December; they are read every six hours. */
const valueAt = (time: number): number =>
  100 + (time - at('2026-10-30T00:00')) / HOUR + (time > at('2026-12-01T00:00') ? 13 : 0);

/** Three households on the second of December, with their bills of November; the meter of the first was silent at its end. */
async function openHouses() {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const clock = heldClock(at('2026-12-02T12:00'));
  const log = createLog('silent');
  const url = await testDatabase(folder.path);
  const db = stack.use(await openDatabase(url || join(folder.path, 'books.sqlite'), log));
  const store = stack.use(await openEmbeddedStore(join(folder.path, 'readings'), storeParts({ clock })));
  const tariffs = join(folder.path, 'tariffs');
  await mkdir(tariffs);
  await writeFile(join(tariffs, 'plain.yaml'), TARIFF);
  await db.insertInto('companies').values({ id: 'co', name: 'co', createdAt: 1 }).execute();
  const place = { code: '14', name: '14', level: 'county' as const };
  await db
    .insertInto('areas')
    .values({ ...place, parent: null, personName: null, personPhone: null })
    .execute();
  const ids = Array.from({ length: HOUSES }, (_, n) => `${n}`);
  const belongs = { companyId: 'co', areaCode: '14', createdAt: 1 };
  await db
    .insertInto('households')
    .values(
      ids.map((n) => ({
        ...belongs,
        id: `hh_${n}`,
        accountNo: n,
        name: n,
        address: null,
        phone: null,
        vulnerable: 0,
      })),
    )
    .execute();
  const terminal = { profile: 'gas-meter', connection: '{"type":"mqtt"}', commandSequence: 0 };
  const nothing = { secretHash: null, householdSince: null, removedAt: null };
  await db
    .insertInto('terminals')
    .values(ids.map((n) => ({ ...belongs, ...terminal, ...nothing, id: `t${n}`, householdId: `hh_${n}` })))
    .execute();

  const billing = openBilling({ db, clock, log, settings: { depositFen: 100_000, adjustmentFen: 100_000 } });
  const lateUse = createLateUse({ db, clock });
  const meterExchanges = createMeterExchanges({ db, clock, onRecorded: lateUse.note });
  const profiles = loadProfiles(join(projectRoot, 'config/profiles'));
  const settings = { folder: tariffs, holdAfterDays: 5, autoRun: false, recheckDays: 62, lowBalanceFen: 5_000 };
  const parts = { db, clock, log, billing, store, meterExchanges, lateUse, profiles, gatewayId: 'g' };
  const invoicing = stack.use(await openInvoicing(settings, parts));

  let sequence = 0;
  async function send(n: number, from: number, to: number): Promise<void> {
    const records = [];
    for (let time = from; time < to; time += 6 * HOUR) {
      sequence += 1;
      records.push({ sequence, terminalId: `t${n}`, time, values: { gas_m3: valueAt(time) } });
    }
    await lateUse.note(records);
    await store.write(records);
  }
  const [before, end] = [at('2026-10-30T00:00'), at('2026-12-02T12:00')];
  await send(0, before, SILENT);
  await send(0, HEARD_AGAIN, end);
  for (const n of [1, 2]) await send(n, before, end);
  await clock.advance(20 * MINUTE);
  await lateUse.forget(await lateUse.due(1_000));

  const company = await db.selectFrom('companies').selectAll().executeTakeFirstOrThrow();
  const run = await db
    .transaction()
    .execute((transaction) =>
      invoicing.runs.add(transaction, company, { kind: 'monthly', period: '2026-11', dryRun: false, by: 'test' }),
    );
  invoicing.runs.begin(run.id, company);
  await eventually(async () => (await invoicing.runs.get(run.id)).state === 'done');
  const bills = async () => db.selectFrom('bills').selectAll().orderBy('householdId').execute();
  const opened = stack.move();
  const profile = profiles.get('gas-meter');
  if (!profile) throw new Error('no gas-meter');
  return { clock, db, invoicing, lateUse, send, bills, profile, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

const SILENT = at('2026-11-28T00:00');
const HEARD_AGAIN = at('2026-12-01T06:00');

test('what came late is looked at when nothing more comes: its bill shows the difference, and no other is looked at', async () => {
  await using houses = await openHouses();
  const { clock, invoicing, lateUse, send, bills } = houses;
  const made = await bills();
  const checked = async () => (await bills()).map(({ checkedAt, madeAt }) => (checkedAt - madeAt) / MINUTE);
  await send(0, SILENT, HEARD_AGAIN);
  await clock.advance(9 * MINUTE);
  await invoicing.tend();
  expect(await checked()).toEqual([0, 0, 0]);
  await clock.advance(2 * MINUTE);
  await invoicing.tend();
  expect(await checked()).toEqual([11, 0, 0]);
  // 97 m³ in 83 hours without a reading, of which 77 lay in November, were 89.99 of the bill; it was 78.
  expect((await bills()).map(({ lateFen }) => lateFen)).toEqual([-2_398, null, null]);
  expect((await bills()).map(({ chargeFen }) => chargeFen)).toEqual(made.map(({ chargeFen }) => chargeFen));
  expect(await lateUse.due(10)).toEqual([]);
}, 60_000);

test('what is noted again while its bill is looked at is looked at once more', async () => {
  await using houses = await openHouses();
  const { clock, lateUse, send } = houses;
  await send(0, SILENT, SILENT + DAY);
  await clock.advance(11 * MINUTE);
  const due = await lateUse.due(10);
  expect(due).toMatchObject([{ terminalId: 't0', fromTime: SILENT }]);
  await send(0, SILENT + DAY, HEARD_AGAIN);
  await lateUse.forget(due);
  await clock.advance(11 * MINUTE);
  expect(await lateUse.due(10)).toMatchObject([{ terminalId: 't0', fromTime: SILENT }]);
}, 60_000);

test('a terminal that is always late is looked at all the same, and one of this month is not late', async () => {
  await using houses = await openHouses();
  const { clock, lateUse, send } = houses;
  await send(1, at('2026-12-01T00:00'), at('2026-12-02T00:00'));
  for (let time = 0; time < 6 * HOUR; time += 5 * MINUTE) {
    await lateUse.note([{ terminalId: 't2', time: SILENT }]);
    expect(await lateUse.due(10)).toEqual([]);
    await clock.advance(5 * MINUTE);
  }
  expect((await lateUse.due(10)).map(({ terminalId }) => terminalId)).toEqual(['t2']);
}, 60_000);

test('a use that a person corrects is late too', async () => {
  await using houses = await openHouses();
  const { clock, db, invoicing, bills, profile } = houses;
  const correction = { metric: 'gas_m3', day: '2026-11-15', amount: '4', reason: 'read by a person' };
  await db
    .transaction()
    .execute((transaction) => invoicing.correctUsage(transaction, { id: 't1', profile }, correction, 'clerk'));
  await clock.advance(11 * MINUTE);
  await invoicing.tend();
  expect((await bills()).map(({ lateFen }) => lateFen)).toEqual([null, -4_000, null]);
}, 60_000);
