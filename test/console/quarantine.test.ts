import { expect } from 'vitest';
import { makeHousehold } from '../helpers/gateway.ts';
import { test as consoleTest } from './browser.ts';
import { playBoiler } from './terminal.ts';

const test = consoleTest.extend('people', ({ gateway }) => makeHousehold(gateway));

test('a terminal of which nothing was refused says so', async ({ open, gateway }) => {
  const page = await open('/quarantine?terminalId=nobody', { as: gateway.admin });
  await page.getByText('没有隔离数据').waitFor();
});

test('what was refused says why in words, and shows the message as it came', async ({ open, gateway, people }) => {
  await using boiler = await playBoiler(gateway, people.household.id);
  await boiler.read({ room_c: 150, supply_c: 'warm', '<b>bold</b>': 1 });
  const page = await open('/quarantine', { as: people.clerk });
  const rows = page.getByRole('table', { name: '隔离数据' }).locator('tbody').getByRole('row');
  const found: [reason: string, metric: string][] = [
    ['超出范围', 'room_c'],
    ['类型不对', 'supply_c'],
    ['未知指标', '<b>bold</b>'],
  ];
  for (const [reason, metric] of found) {
    const row = rows.filter({ hasText: reason });
    await row.getByText(metric, { exact: true }).waitFor();
    await row.getByRole('link', { name: boiler.id }).waitFor();
  }
  const row = rows.filter({ hasText: '超出范围' });
  await row.getByText('150 is not within').waitFor();
  await row.getByText('查看原始报文').click();
  await row.locator('pre').getByText('"room_c":150').waitFor();
  await page.getByRole('searchbox', { name: '终端号' }).fill('another');
  await page.getByText('没有隔离数据').waitFor();
  expect(new URL(page.url()).search).toBe('?terminalId=another');
  await page.getByRole('searchbox', { name: '终端号' }).fill(boiler.id);
  await expect.poll(() => rows.count()).toBe(3);
  await page.getByRole('button', { name: 'English' }).click();
  const english = page.getByRole('table', { name: 'Quarantine' });
  await english.getByText('Out of range').waitFor();
});

test('the terminals that are refused most stand above, and both lists follow the reason', async ({
  open,
  gateway,
  people,
}) => {
  await using boiler = await playBoiler(gateway, people.household.id);
  for (let n = 0; n < 3; n += 1) await boiler.read({ room_c: 'warm' });
  await boiler.read({ room_c: 150 });
  const page = await open(`/quarantine?terminalId=${boiler.id}`, { as: people.clerk });
  const counts = page.getByRole('table', { name: '拒收统计' }).locator('tbody').getByRole('row');
  await expect.poll(() => counts.count()).toBe(2);
  await counts.first().getByText('类型不对').waitFor();
  await counts.first().getByRole('cell', { name: '3', exact: true }).waitFor();
  await page.getByRole('combobox', { name: '原因' }).click();
  await page.getByTitle('超出范围').click();
  await expect.poll(() => counts.count()).toBe(1);
  const rows = page.getByRole('table', { name: '隔离数据' }).locator('tbody').getByRole('row');
  await expect.poll(() => rows.count()).toBe(1);
  expect(new URL(page.url()).searchParams.get('reason')).toBe('out_of_range');
  expect(await page.getByRole('button', { name: '重新处理…' }).count()).toBe(0);
});

test('an admin puts messages in again, is asked before and told what came of it', async ({ open, gateway, people }) => {
  await using boiler = await playBoiler(gateway, people.household.id);
  await boiler.read({ room_c: 'warm' });
  const page = await open(`/quarantine?terminalId=${boiler.id}`, { as: gateway.admin, language: 'en' });
  await page.getByRole('button', { name: 'Process again…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Process refused messages again?' });
  await dialog.getByText(`Terminal: ${boiler.id} · Reason: All`).waitFor();
  await dialog.getByRole('button', { name: 'Process again' }).click();
  await page.getByText('Messages stored: 0; still refused: 1').waitFor();
  await dialog.waitFor({ state: 'hidden' });
});
