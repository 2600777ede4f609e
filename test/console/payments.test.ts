import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Account, Payment } from '../../src/http/schemas/billing.ts';
import { makeHousehold } from '../helpers/gateway.ts';
import { test as consoleTest } from './browser.ts';

/** Taking money: each test has a household of its own. */

const test = consoleTest.extend('people', ({ gateway }) => makeHousehold(gateway));

const form = (page: Page) => page.getByRole('form', { name: '收款' });
const payments = (page: Page) => page.getByRole('table', { name: '缴费记录' }).locator('tbody').getByRole('row');
const balance = (page: Page, amount: string) => page.locator('dt:text-is("余额") + dd').getByText(amount);

async function fill(page: Page, amount: string, reference: string): Promise<void> {
  await form(page).getByLabel('金额（元）').fill(amount);
  await form(page).getByLabel('凭证号').fill(reference);
}

test('an amount that is none is told before anything is sent', async ({ open, people: { clerk, household } }) => {
  const page = await open(`/households/${household.id}`, { as: clerk });
  await balance(page, '¥0.00').waitFor();
  for (const wrong of ['0', '12.345', '-5', '1e3', '十元']) {
    await fill(page, wrong, 'R-1');
    await form(page).getByRole('button', { name: '确认收款' }).click();
    await form(page).getByText('请输入 0.01 到 1,000,000 之间的金额').waitFor();
  }
  const { body } = await clerk.get<Account>(`/households/${household.id}/account`);
  expect(body.balanceFen).toBe(0);
});

test('a payment whose answer was lost is paid once when it is sent again', async ({
  open,
  people: { clerk, household },
}) => {
  const page = await open(`/households/${household.id}`, { as: clerk });
  let asked = 0;
  await page.route('**/payments', async (route) => {
    if (route.request().method() !== 'POST' || ++asked > 1) return route.fallback();
    await route.fetch();
    return route.fulfill({ status: 200, contentType: 'text/plain', body: 'cut off' });
  });
  await fill(page, '88', 'R-2');
  await form(page).getByRole('button', { name: '确认收款' }).click();
  await page.getByRole('alert').waitFor();
  await form(page).getByRole('button', { name: '确认收款' }).click();
  await page.getByText('收款成功：¥88.00').waitFor();
  expect(asked).toBe(2);
  await balance(page, '¥88.00').waitFor();
  await expect.poll(() => payments(page).count()).toBe(1);
});

test('a double click pays once', async ({ open, people: { clerk, household } }) => {
  const page = await open(`/households/${household.id}`, { as: clerk });
  await fill(page, '300', 'R-3');
  await form(page).getByRole('button', { name: '确认收款' }).dblclick();
  await page.getByText('收款成功：¥300.00').waitFor();
  await balance(page, '¥300.00').waitFor();
  const { body } = await clerk.get<{ items: Payment[] }>(`/households/${household.id}/payments`);
  expect(body.items).toHaveLength(1);
});

test('a clerk records a payment: the receipt, the balance and the list say so', async ({
  open,
  people: { clerk, household },
}) => {
  const page = await open(`/households/${household.id}`, { as: clerk });
  await fill(page, '1234.5', '收据 0042');
  await form(page).getByRole('radio', { name: '转账' }).check();
  await form(page).getByRole('button', { name: '确认收款' }).click();
  await page.getByRole('status').getByText('收款成功：¥1,234.50').waitFor();
  await balance(page, '¥1,234.50').waitFor();
  await payments(page).getByText('转账 收据 0042').waitFor();
  await page.getByRole('button', { name: '再收一笔' }).click();
  await fill(page, '0.5', '收据 0043');
  await form(page).getByRole('button', { name: '确认收款' }).click();
  await balance(page, '¥1,235.00').waitFor();
  await expect.poll(() => payments(page).count()).toBe(2);
});
