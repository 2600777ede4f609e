import { expect } from 'vitest';
import type { Bill, BillingRun } from '../../src/http/schemas/bills.ts';
import { makeHousehold, makeTerminal } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { backfill, type Page, type Sent, withKey } from '../http/stage.ts';
import { test as consoleTest, PHONE } from './browser.ts';

/** Bills as people see them: a household that used 360 m³ in November 2025. */

const START = Date.parse('2025-11-01T00:00:00+08:00');
let made = 0;

const test = consoleTest.extend('billed', async ({ gateway }) => {
  const people = await makeHousehold(gateway);
  const { household, clerk } = people;
  const id = `billed-${++made}`;
  const meter = await makeTerminal(gateway.admin, { id, profile: 'gas-meter', householdId: household.id });
  const sent: Sent = Array.from({ length: 31 }, (_, day) => [START + day * 86_400_000, day * 12]);
  await backfill(gateway, meter, 'gas_m3', sent);
  await clerk.put(`/households/${household.id}/tariff`, { tariff: 'shanxi-coal-to-gas', since: '2025-01-01' });
  return { ...people, meter };
});

async function bill({ clerk, household }: Awaited<ReturnType<typeof makeHousehold>>): Promise<Bill> {
  await clerk.post<BillingRun>('/billing-runs', { period: '2025-11' }, withKey());
  return eventually(async () => (await clerk.get<Page<Bill>>(`/households/${household.id}/bills`)).body.items[0]);
}

test('a resident reads a bill line by line, with each line’s tier, price and amount', async ({ open, billed }) => {
  const { id } = await bill(billed);
  const page = await open(`/households/${billed.household.id}`, { as: billed.resident });
  await page.getByRole('table', { name: '账单' }).getByRole('link', { name: '2025-11' }).click();
  await page.waitForURL(`**/bills/${id}`);
  const lines = page.getByRole('table', { name: '费用明细' }).locator('tbody').getByRole('row');
  await expect.poll(() => lines.count()).toBe(3);
  expect(await lines.allInnerTexts().then((texts) => texts.map((text) => text.replace(/\s+/g, ' ')))).toEqual([
    expect.stringMatching(/采暖季第 1 档 · 0–300 m³ .*300 m³ × 2.72 ¥816.00/),
    expect.stringMatching(/采暖季第 2 档 · 300 m³ 以上 .*60 m³ × 3.26 ¥195.60/),
    expect.stringMatching(/采暖季补贴 .*360 m³ × 1 -¥360.00/),
  ]);
  await page.getByText('¥651.60').first().waitFor();
  expect(await page.getByRole('button', { name: '按现有读数重新出账' }).count()).toBe(0);
});

test('a clerk tries a run dry, makes the bills, and finds who owes', async ({ open, billed }) => {
  const page = await open('/billing', { as: billed.clerk, language: 'en' });
  const form = page.getByRole('form', { name: 'Billing' });
  await form.getByLabel('Month').fill('2025-11');
  await form.getByRole('button', { name: 'Start' }).click();
  await page.getByText('Bills to make').waitFor();
  await page.getByRole('status').getByText('¥651.60').waitFor();
  await form.getByRole('checkbox').uncheck();
  await form.getByRole('button', { name: 'Start' }).click();
  await page.getByRole('status').getByText('Bills made').waitFor();
  await page.getByRole('link', { name: 'Arrears' }).click();
  const owing = page.getByRole('table', { name: 'Households in arrears' });
  await owing.getByText('¥651.60').waitFor();
  await owing.getByText('not told yet').waitFor();
  await owing.getByRole('combobox', { name: 'Note a notice' }).click();
  await page.getByTitle('reminder', { exact: true }).click();
  await expect.poll(() => owing.getByText('not told yet').count()).toBe(0);
});

test('a bill that is made anew shows the difference, also on a phone', async ({ open, billed, gateway }) => {
  const { id } = await bill(billed);
  await backfill(gateway, billed.meter, 'gas_m3', [[START - 86_400_000, 0]]);
  await billed.clerk.post(`/terminals/${billed.meter.id}/usage-corrections`, {
    metric: 'gas_m3',
    day: '2025-11-05',
    amount: '2',
    reason: 'leak',
  });
  const page = await open(`/bills/${id}`, { as: billed.clerk, viewport: PHONE });
  await page.getByLabel('原因').fill('漏气');
  await page.getByRole('button', { name: '按现有读数重新出账' }).click();
  await page.getByText(/替换了此前的账单（¥651.60），差额 -¥22.60/).waitFor();
  const width = Number(await page.evaluate('document.documentElement.scrollWidth'));
  expect(width).toBeLessThanOrEqual(PHONE.width);
});
