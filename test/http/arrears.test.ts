import { expect, test } from 'vitest';
import type { Account } from '../../src/http/schemas/billing.ts';
import type { Bill, BillingRun, Notice, Owing } from '../../src/http/schemas/bills.ts';
import type { Household } from '../../src/http/schemas/people.ts';
import type { Proposal } from '../../src/http/schemas/proposals.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { makeTerminal, type TestTerminal, VILLAGE } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { backfill, type Page, type Sent, startVillages, withKey } from './stage.ts';

/** Who pays beforehand, who owes, what is told to them, and that nothing is switched off for it. */

const HOUR = 3_600_000;
const NOVEMBER = Date.parse('2025-11-01T00:00:00+08:00');
/** It is the middle of a month, and goes on to be. */
const shifted = NOVEMBER + 9.5 * 24 * HOUR - systemClock.now();
let later = 0;
const clock = { ...systemClock, now: () => systemClock.now() + shifted + later };
const { gateway, mine, theirs } = await startVillages({ clock, overrides: { http: { sessionHours: 720 } } });
const { admin } = gateway;
let made = 0;

async function use(meter: TestTerminal, from: number, to: number): Promise<void> {
  const sent: Sent = [];
  for (let hour = from * 24; hour <= to * 24; hour += 6) sent.push([NOVEMBER + hour * HOUR, hour / 2]);
  await backfill(gateway, meter, 'gas_m3', sent);
}

/** Uses 0.5 m³ an hour, at 2.72 yuan with 1 yuan of subsidy: 20.64 yuan a day. */
async function household(days: number) {
  const n = ++made;
  const { body } = await admin.post<Household>('/households', {
    accountNo: `A-${n}`,
    name: `Prepaid ${n}`,
    areaCode: VILLAGE,
    companyId: mine.company.id,
  });
  const meter = await makeTerminal(admin, { id: `prepaid-${n}`, profile: 'gas-meter', householdId: body.id });
  await use(meter, 0, days);
  await mine.clerk.put(`/households/${body.id}/tariff`, { tariff: 'shanxi-coal-to-gas', since: '2025-10-01' });
  return { ...body, meter };
}

async function run(body: object): Promise<BillingRun> {
  const { body: begun } = await mine.clerk.post<BillingRun>('/billing-runs', body, withKey());
  return eventually(async () => {
    const { body: now } = await mine.clerk.get<BillingRun>(`/billing-runs/${begun.id}`);
    return now.state === 'running' ? undefined : now;
  });
}
const pay = (id: string, amountFen: number) =>
  mine.clerk.post(`/households/${id}/payments`, { amountFen, method: 'cash', reference: `r${amountFen}` }, withKey());
const balanceOf = async (id: string) => (await admin.get<Account>(`/households/${id}/account`)).body.balanceFen;
const noticesOf = async (id: string) => (await mine.clerk.get<Page<Notice>>(`/households/${id}/notices`)).body.items;
const proposalsOf = async (id: string) =>
  (await mine.clerk.get<Page<Proposal>>('/proposals?limit=500')).body.items.filter((one) => one.householdId === id);

test('a prepaid household is charged by the day, warned when little is left, and the month’s bill posts the rest', async () => {
  const one = await household(9);
  await mine.clerk.put(`/households/${one.id}/billing-mode`, {
    mode: 'prepaid',
    since: '2025-11-01',
    emergencyCreditFen: 5_000,
  });
  await pay(one.id, 20_000);
  expect(await run({ period: '2025-11', kind: 'daily' })).toMatchObject({
    made: 1,
    amountFen: 9 * 2_064,
    through: '2025-11-09',
  });
  expect(await balanceOf(one.id)).toBe(20_000 - 9 * 2_064);
  expect((await noticesOf(one.id)).map(({ step, owedFen }) => [step, owedFen])).toEqual([['low_balance', 0]]);
  expect(await run({ period: '2025-11', kind: 'daily' })).toMatchObject({ made: 0, amountFen: 0 });
  expect(await proposalsOf(one.id)).toEqual([]);

  later = 5 * 24 * HOUR;
  await use(one.meter, 9, 14);
  expect(await run({ period: '2025-11', kind: 'daily' })).toMatchObject({ made: 1, amountFen: 5 * 2_064 });
  expect(await balanceOf(one.id)).toBe(20_000 - 14 * 2_064);
  expect((await noticesOf(one.id)).length).toBe(1);
  const [proposal] = await proposalsOf(one.id);
  expect(proposal).toMatchObject({ state: 'open', cause: 'credit_used_up', balanceFen: 20_000 - 14 * 2_064 });
  const { body: commands } = await admin.get<Page<unknown>>(`/commands?terminalId=${one.meter.id}`);
  expect(commands.items).toEqual([]);

  await pay(one.id, 50_000);
  expect((await proposalsOf(one.id)).map(({ state }) => state)).toEqual(['over']);
  expect((await noticesOf(one.id))[0]?.overAt).not.toBeNull();

  later = 24 * 24 * HOUR;
  await use(one.meter, 9, 30);
  expect(await run({ period: '2025-11' })).toMatchObject({ made: 1 });
  const { body } = await mine.clerk.get<Page<Bill>>(`/households/${one.id}/bills`);
  expect(body.items[0]).toMatchObject({ totalFen: 65_160, postedFen: 65_160 - 14 * 2_064 });
  expect(await balanceOf(one.id)).toBe(70_000 - 65_160);
});

test('who owes is listed with what was told; the last notice proposes to switch off, and a person may say no', async () => {
  const one = await household(30);
  expect((await mine.clerk.post(`/households/${one.id}/notices`, { step: 'reminder' })).status).toBe(409);
  await run({ period: '2025-11' });
  for (const step of ['reminder', 'second_reminder', 'final_notice']) {
    expect((await mine.clerk.post(`/households/${one.id}/notices`, { step })).status).toBe(201);
  }
  const { body } = await mine.clerk.get<Page<Owing>>('/arrears');
  const found = body.items.find(({ householdId }) => householdId === one.id);
  expect(found).toMatchObject({ owedFen: 65_160 });
  expect(found?.notices.map(({ step }) => step)).toEqual(['reminder', 'second_reminder', 'final_notice']);
  expect((await theirs.clerk.get<Page<Owing>>('/arrears')).body.items).toEqual([]);
  const [proposal] = await proposalsOf(one.id);
  const dismiss = () =>
    mine.clerk.post<Proposal>(`/proposals/${proposal?.id}/dismiss`, { reason: 'an old man lives there' });
  expect((await dismiss()).body.state).toBe('dismissed');
  expect((await dismiss()).status).toBe(409);
  await pay(one.id, 65_160);
  expect((await mine.clerk.get<Page<Owing>>('/arrears')).body.items).toEqual([]);
});
