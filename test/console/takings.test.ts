import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import type { Payment } from '../../src/http/schemas/billing.ts';
import { dayOf } from '../../src/lib/calendar.ts';
import { makeHousehold, OTHER_VILLAGE } from '../helpers/gateway.ts';
import { withKey } from '../http/stage.ts';
import { test as consoleTest, PHONE } from './browser.ts';

vi.setConfig({ testTimeout: 60_000 });

/** 收款日报: what a clerk looks at when her day ends. */

const DAY_MS = 86_400_000;
const test = consoleTest
  .extend('people', { scope: 'file' }, async ({ gateway }) => {
    const people = await makeHousehold(gateway);
    const { clerk, household } = people;
    const pay = async (amountFen: number, method: string, reference: string) =>
      (await clerk.post<Payment>(`/households/${household.id}/payments`, { amountFen, method, reference }, withKey()))
        .body;
    const wrong = await pay(5_000, 'cash', 'C-1');
    await pay(12_345, 'cash', 'C-2');
    await pay(40_000, 'transfer', 'T-1');
    await clerk.post(`/households/${household.id}/payments/${wrong.id}/reverse`, { reason: '收错户' }, withKey());
    return people;
  })
  .extend('others', { scope: 'file' }, async ({ gateway }) => {
    const people = await makeHousehold(gateway, OTHER_VILLAGE);
    const payment = { amountFen: 77_700, method: 'cash', reference: 'X-1' };
    await people.clerk.post(`/households/${people.household.id}/payments`, payment, withKey());
    return people;
  });

const rows = (page: Page) => page.getByRole('table', { name: '收款日报' }).locator('tbody').getByRole('row');
const net = (page: Page, name: string) => page.locator(`dt:text-is("${name}") + dd`);
const choose = async (page: Page, what: string, option: string) => {
  await page.getByRole('combobox', { name: what }).click();
  await page.locator('.ant-select-item-option').getByText(option).click();
};
async function saved(page: Page, button: string) {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: button }).click();
  const file = await download;
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
}

test('a clerk sees what came in today, what went back, and what must be in the till', async ({
  open,
  people,
  others,
}) => {
  const page = await open('/takings', { as: people.clerk });
  await rows(page).filter({ hasText: '现金' }).getByText('¥173.45').waitFor();
  await rows(page).filter({ hasText: '转账' }).getByText('¥400.00').first().waitFor();
  expect(await net(page, '现金').textContent()).toBe('¥123.45');
  expect(await net(page, '净额').textContent()).toBe('¥523.45');
  expect(await page.getByRole('button', { name: '今天' }).getAttribute('aria-pressed')).toBe('true');
  expect(await page.getByRole('main').textContent()).not.toContain('¥777.00');
  expect(await page.getByRole('combobox', { name: '企业' }).count()).toBe(0);
  expect(others.company.id).not.toBe(people.company.id);
});

test('the file holds what the page shows, with the words of its language', async ({ open, people }) => {
  const page = await open('/takings', { as: people.clerk });
  await choose(page, '方式', '现金');
  await expect.poll(() => rows(page).filter({ hasText: '转账' }).count()).toBe(0);
  const zh = await saved(page, '导出 CSV');
  expect(zh.name).toBe(`takings-${dayOf(Date.now())}.csv`);
  const lines = zh.text.split('\r\n').slice(0, -1);
  expect(lines[0]).toBe('\uFEFF企业,经办人,方式,收款笔数,收款（元）,退款笔数,退款（元）,净额（元）');
  expect(lines.slice(1).map((line) => line.split(',').slice(2).join())).toEqual([
    '现金,2,173.45,1,50.00,123.45',
    ',2,173.45,1,50.00,123.45',
  ]);
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByText('By area').click();
  await page.getByRole('columnheader', { name: 'Area' }).waitFor();
  const en = await saved(page, 'Save as CSV');
  expect(en.text.split('\r\n')[0]).toBe(
    '\uFEFFCompany,Area code,Method,Payments,Received (yuan),Given back,Given back (yuan),Net (yuan)',
  );
  expect((await saved(page, 'Save as XLSX')).name).toMatch(/\.xlsx$/);
});

test('a day without takings is empty, and a range the wrong way round is told', async ({ open, people }) => {
  const page = await open('/takings', { as: people.clerk });
  await page.getByRole('button', { name: '昨天' }).click();
  await page.getByText('这段时间没有收款').waitFor();
  const yesterday = dayOf(Date.now() - DAY_MS);
  expect(await page.getByLabel('起始日期').inputValue()).toBe(yesterday);
  await page.getByLabel('起始日期').fill(dayOf(Date.now()));
  await page.getByText('起始日期不能晚于截止日期').waitFor();
  expect(await page.getByRole('button', { name: '导出 CSV' }).count()).toBe(0);
  await page.getByLabel('截止日期').fill(dayOf(Date.now()));
  await rows(page).first().waitFor();
});

test('an admin sees all companies, and may look at one; the page fits a telephone', async ({
  open,
  gateway,
  people,
  others,
}) => {
  const page = await open('/takings', { as: gateway.admin, viewport: PHONE });
  await rows(page).filter({ hasText: '¥777.00' }).first().waitFor();
  await choose(page, '企业', people.company.name);
  await expect.poll(() => rows(page).filter({ hasText: '¥777.00' }).count()).toBe(0);
  await choose(page, '经办人', `company-`);
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  expect(others.household.id).not.toBe(people.household.id);
});

test('the accounts of the month balance, have their files, and fit a telephone', async ({ open, people }) => {
  const page = await open('/', { as: people.clerk });
  await page.getByRole('link', { name: '科目余额' }).click();
  const table = page.getByRole('table', { name: '科目余额' });
  const cash = table.getByRole('row').filter({ hasText: '现金' });
  await cash.getByText('借', { exact: true }).waitFor();
  const total = table.getByRole('row').filter({ hasText: '合计' }).getByText('¥');
  await total.first().waitFor();
  const [debits, credits] = await total.allInnerTexts();
  expect(debits).toMatch(/^¥\d/);
  expect(credits).toBe(debits);
  await page.getByRole('button', { name: '导出 CSV' }).waitFor();
  await open('/accounts', { as: people.clerk, language: 'en', viewport: PHONE });
  await page.getByRole('table', { name: 'Accounts' }).getByText('Cash in the till').waitFor();
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
});
