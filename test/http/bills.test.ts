import { describe, expect, test } from 'vitest';
import type { Account } from '../../src/http/schemas/billing.ts';
import type { Bill, BillingRun, BillingTrouble, FullBill, Notice } from '../../src/http/schemas/bills.ts';
import type { Household } from '../../src/http/schemas/people.ts';
import { makeTerminal, VILLAGE } from '../helpers/gateway.ts';
import { randomOf } from '../helpers/random.ts';
import { eventually } from '../helpers/temp.ts';
import { backfill, type Page, type Sent, startVillages, withKey } from './stage.ts';

/** Bills from real readings, over HTTP. */

const HOUR = 3_600_000;
const NOVEMBER = Date.parse('2025-11-01T00:00:00+08:00');
const { gateway, mine, theirs } = await startVillages();
const { admin } = gateway;
let made = 0;

/** A household with a gas meter that counts `perHour` all through November 2025, read every six hours. */
async function household(
  perHour: number,
  {
    skip = () => false,
    tariff = true,
    installedAt,
  }: { skip?: (hour: number) => boolean; tariff?: boolean; installedAt?: string } = {},
) {
  const n = ++made;
  const { body } = await admin.post<Household>('/households', {
    accountNo: `B-${n}`,
    name: `Billed ${n}`,
    areaCode: VILLAGE,
    companyId: mine.company.id,
  });
  const meter = await makeTerminal(admin, { id: `meter-${n}`, profile: 'gas-meter', householdId: body.id });
  if (installedAt) await admin.patch(`/terminals/${meter.id}`, { installedAt });
  const sent: Sent = [];
  for (let hour = -6; hour <= 30 * 24 + 6; hour += 6) {
    if (!skip(hour)) sent.push([NOVEMBER + hour * HOUR, 100 + hour * perHour]);
  }
  await backfill(gateway, meter, 'gas_m3', sent);
  if (tariff) {
    await mine.clerk.put(`/households/${body.id}/tariff`, { tariff: 'shanxi-coal-to-gas', since: '2025-10-01' });
  }
  return { ...body, meter };
}

async function run(body: object): Promise<BillingRun> {
  const { status, body: begun } = await mine.clerk.post<BillingRun>('/billing-runs', body, withKey());
  expect([status, begun]).toMatchObject([202, { state: 'running' }]);
  return eventually(async () => {
    const { body: now } = await mine.clerk.get<BillingRun>(`/billing-runs/${begun.id}`);
    return now.state === 'running' ? undefined : now;
  });
}

const billOf = async (id: string): Promise<FullBill> => {
  const { body } = await mine.clerk.get<Page<Bill>>(`/households/${id}/bills`);
  return (await mine.clerk.get<FullBill>(`/bills/${body.items[0]?.id}`)).body;
};
const balanceOf = async (id: string) => (await admin.get<Account>(`/households/${id}/account`)).body.balanceFen;

test('a month becomes a bill that says line by line how it came about, and the account owes its total', async () => {
  const one = await household(0.5);
  const dry = await run({ period: '2025-11', dryRun: true });
  expect(dry).toMatchObject({ state: 'done', made: 1, amountFen: 65_160, dryRun: true });
  expect((await mine.clerk.get<Page<Bill>>(`/households/${one.id}/bills`)).body.items).toEqual([]);
  expect(await run({ period: '2025-11' })).toMatchObject({ state: 'done', made: 1, held: 0, amountFen: 65_160 });
  const bill = await billOf(one.id);
  expect(bill).toMatchObject({
    period: '2025-11',
    state: 'issued',
    chargeFen: 101_160,
    subsidyFen: 36_000,
    doubtfulDays: 0,
  });
  expect(bill.totalFen).toBe(65_160);
  expect(bill.lines.map(({ rule, tier, quantity, amountFen }) => [rule, tier, quantity, amountFen])).toEqual([
    ['season_tier', 1, '300', 81_600],
    ['season_tier', 2, '60', 19_560],
    ['subsidy', null, '360', -36_000],
  ]);
  expect(bill.usage[0]?.days).toHaveLength(30);
  expect(new Set(bill.usage[0]?.days.map(({ amount, quality }) => `${amount} ${quality}`))).toEqual(
    new Set(['12 measured']),
  );
  expect(await balanceOf(one.id)).toBe(-65_160);
});

test('households that cannot be billed are told, each with the reason, and the others are billed once', async () => {
  const { body: bare } = await admin.post<Household>('/households', {
    accountNo: 'B-bare',
    name: 'Bare',
    areaCode: VILLAGE,
    companyId: mine.company.id,
  });
  const unpriced = await household(0.1, { tariff: false });
  const done = await run({ period: '2025-11' });
  expect(done.made).toBe(0);
  expect(done.unchanged).toBeGreaterThan(0);
  const { body } = await mine.clerk.get<Page<BillingTrouble>>(`/billing-runs/${done.id}/troubles?limit=500`);
  const codeOf = (id: string) => body.items.find(({ householdId }) => householdId === id)?.code;
  expect(codeOf(bare.id)).toBe('no_meter');
  expect(codeOf(unpriced.id)).toBe('no_tariff');
});

test('a bill with many estimated days waits for a person, and moves no money before', async () => {
  const one = await household(0.5, { skip: (hour) => hour > 100 && hour < 400 });
  expect(await run({ period: '2025-11' })).toMatchObject({ made: 0, held: 1 });
  const bill = await billOf(one.id);
  expect(bill).toMatchObject({ state: 'held', totalFen: 65_160 });
  expect(bill.doubtfulDays).toBeGreaterThan(5);
  expect(await balanceOf(one.id)).toBe(0);
  const path = `/bills/${bill.id}/release`;
  expect((await theirs.clerk.post(path, { reason: 'r' }, withKey())).status).toBe(404);
  expect((await mine.clerk.post<Bill>(path, { reason: 'seen by Li' }, withKey())).body.state).toBe('issued');
  expect((await mine.clerk.post<Bill>(path, { reason: 'again' }, withKey())).status).toBe(409);
  expect(await balanceOf(one.id)).toBe(-65_160);
});

test('what comes late makes another bill, which shows the difference, and only that is posted', async () => {
  const one = await household(0.5, { skip: (hour) => hour > 500 });
  await run({ period: '2025-11' });
  const held = await billOf(one.id);
  await mine.clerk.post(`/bills/${held.id}/release`, { reason: 'silent since' }, withKey());
  const before = await balanceOf(one.id);
  expect(before).toBeGreaterThan(-65_160);
  await backfill(gateway, one.meter, 'gas_m3', [[NOVEMBER + 30 * 24 * HOUR, 460]]);
  expect(await run({ period: '2025-11', kind: 'rebill', dryRun: true })).toMatchObject({ made: 1 });
  const key = withKey();
  const again = await mine.clerk.post<Bill>(`/bills/${held.id}/rebill`, { reason: 'late' }, key);
  expect(again.status).toBe(201);
  expect((await mine.clerk.post<Bill>(`/bills/${held.id}/rebill`, { reason: 'late' }, key)).body).toEqual(again.body);
  const bill = await billOf(one.id);
  expect(bill).toMatchObject({ id: again.body.id, totalFen: 65_160, replaces: held.id, state: 'issued' });
  expect(bill.before).toEqual({ id: held.id, totalFen: -before, differenceFen: 65_160 + before });
  expect(bill.postedFen).toBe(65_160 + before);
  expect((await mine.clerk.get<FullBill>(`/bills/${held.id}`)).body).toMatchObject({
    state: 'replaced',
    replacedBy: bill.id,
  });
  expect(await balanceOf(one.id)).toBe(-65_160);
  expect(await run({ period: '2025-11', kind: 'rebill' })).toMatchObject({ made: 0, amountFen: 0 });
});

test('a clerk’s correction of a day is billed when the bill is made anew', async () => {
  const one = await household(0.5);
  await run({ period: '2025-11' });
  const { status } = await mine.clerk.post(`/terminals/${one.meter.id}/usage-corrections`, {
    metric: 'gas_m3',
    day: '2025-11-05',
    amount: '2.5',
    reason: 'leak behind the meter',
  });
  expect(status).toBe(201);
  const { id } = await billOf(one.id);
  await mine.clerk.post<Bill>(`/bills/${id}/rebill`, { reason: 'leak' }, withKey());
  const bill = await billOf(one.id);
  expect(bill.usage[0]?.days[4]).toEqual({ day: '2025-11-05', amount: 2.5, quality: 'corrected' });
  expect(bill.lines.map(({ quantity }) => quantity)).toEqual(['300', '50.5', '350.5']);
});

test('a bill that is made anew and gives enough back ends what was told of the debt, as a payment does', async () => {
  const [alone, within] = [await household(0.5), await household(0.5)];
  await run({ period: '2025-11' });
  const noticesOf = async (id: string) =>
    (await mine.clerk.get<Page<Notice>>(`/households/${id}/notices`)).body.items.map(({ overAt }) => overAt);
  for (const { id, meter } of [alone, within]) {
    const correction = { metric: 'gas_m3', day: '2025-11-05', amount: '0', reason: 'leak behind the meter' };
    await mine.clerk.post(`/terminals/${meter.id}/usage-corrections`, correction);
    await mine.clerk.post(`/households/${id}/notices`, { step: 'reminder' });
    await mine.clerk.post(
      `/households/${id}/payments`,
      { amountFen: 65_160 - 1, method: 'cash', reference: 'all but a fen' },
      withKey(),
    );
    expect(await noticesOf(id)).toEqual([null]);
  }
  await mine.clerk.post<Bill>(`/bills/${(await billOf(alone.id)).id}/rebill`, { reason: 'leak' }, withKey());
  expect(await noticesOf(alone.id)).toEqual([expect.any(String)]);
  expect(await noticesOf(within.id)).toEqual([null]);
  await run({ period: '2025-11', kind: 'rebill' });
  expect(await noticesOf(within.id)).toEqual([expect.any(String)]);
});

test('who got the meter within the month pays from that day on, and who got it later pays nothing', async () => {
  const one = await household(0.5, { installedAt: '2025-11-16T00:00:00+08:00' });
  const moved = await household(0.5);
  const other = await household(0.5, { tariff: false });
  await admin.patch(`/terminals/${moved.meter.id}`, { householdId: other.id });
  const { id } = await run({ period: '2025-11' });
  const bill = await billOf(one.id);
  expect(bill).toMatchObject({ firstDay: '2025-11-16', lastDay: '2025-11-30', chargeFen: 180 * 272 });
  expect(bill.usage[0]?.days).toHaveLength(15);
  const { body } = await mine.clerk.get<Page<BillingTrouble>>(`/billing-runs/${id}/troubles?limit=500`);
  const codes = [moved, other].map((own) => body.items.find(({ householdId }) => householdId === own.id)?.code);
  expect(codes).toEqual(['no_meter', 'no_tariff']);
});

describe('a whole season, with a meter that rolls over and one that is exchanged', () => {
  test.each([
    ['from random readings', 11],
    ['from others', 12],
  ])('%s costs what the raw readings say', async (_which, seed) => {
    const next = randomOf(seed);
    const n = ++made;
    const { body: own } = await admin.post<Household>('/households', {
      accountNo: `S-${n}`,
      name: `Season ${n}`,
      areaCode: VILLAGE,
      companyId: theirs.company.id,
    });
    const meter = await makeTerminal(admin, { id: `season-${n}`, profile: 'gas-meter', householdId: own.id });
    await admin.put(`/households/${own.id}/tariff`, { tariff: 'shanxi-coal-to-gas', since: '2025-10-01' });
    const MONTHS = ['2025-11', '2025-12', '2026-01', '2026-02', '2026-03'];
    const exchangedAt = Date.parse('2026-01-20T10:00:00+08:00');
    const used = new Map<string, number>();
    const sent: Sent = [];
    let total = 99_700_000;
    let shown = total;
    for (let at = NOVEMBER; at <= Date.parse('2026-04-01T00:00:00+08:00'); at += 6 * HOUR) {
      if (at > NOVEMBER) {
        const step = Math.floor(next() * 5_500);
        const month = new Date(at - 1 + 8 * HOUR).toISOString().slice(0, 7);
        used.set(month, (used.get(month) ?? 0) + step);
        total += step;
        shown += step;
        if (at - 6 * HOUR < exchangedAt && at >= exchangedAt) shown = step;
      }
      sent.push([at, (shown % 100_000_000) / 1_000]);
    }
    const lastOld = sent.findLast(([at]) => at < exchangedAt)?.[1];
    await backfill(gateway, meter, 'gas_m3', sent);
    await admin.post(`/terminals/${meter.id}/meter-exchanges`, {
      metric: 'gas_m3',
      at: new Date(exchangedAt).toISOString(),
      lastValue: lastOld,
      firstValue: 0,
    });
    let subsidyLeft = 120_000;
    for (const period of MONTHS) {
      const begun = await theirs.clerk.post<BillingRun>('/billing-runs', { period }, withKey());
      await eventually(async () => {
        const { body } = await theirs.clerk.get<BillingRun>(`/billing-runs/${begun.body.id}`);
        return body.state !== 'running';
      });
      const { body } = await admin.get<Page<Bill>>(`/households/${own.id}/bills`);
      const bill = body.items.find((one) => one.period === period);
      const thousandths = used.get(period) ?? 0;
      const fen = (units: number, tenthsOfFen: number) => Math.floor((units * tenthsOfFen + 5_000) / 10_000);
      const charge = fen(Math.min(thousandths, 300_000), 2_720) + fen(Math.max(0, thousandths - 300_000), 3_260);
      const subsidy = Math.min(subsidyLeft, Math.floor((thousandths + 5) / 10));
      subsidyLeft -= subsidy;
      expect(bill, period).toMatchObject({ chargeFen: charge, subsidyFen: subsidy });
    }
    expect(subsidyLeft).toBe(0);
  });
});
