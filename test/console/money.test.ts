import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Account, Payment } from '../../src/http/schemas/billing.ts';
import { makeHousehold } from '../helpers/gateway.ts';
import { withKey } from '../http/stage.ts';
import { test as consoleTest } from './browser.ts';

/** What a clerk does after money was received: take it back, print it, and look after deposits. */

const test = consoleTest.extend('people', ({ gateway }) => makeHousehold(gateway));

const payForm = (page: Page) => page.getByRole('form', { name: '收款' });
const depositForm = (page: Page) => page.getByRole('form', { name: '押金办理' });
const payments = (page: Page) => page.getByRole('table', { name: '缴费记录' });
const ledger = (page: Page) => page.getByRole('table', { name: '账户明细' });
const figure = (page: Page, name: string, amount: string) =>
  page.locator(`dt:text-is("${name}") + dd`).getByText(amount);

type People = Awaited<ReturnType<typeof makeHousehold>>;
const pay = async ({ clerk, household }: People, amountFen: number, reference: string) =>
  (
    await clerk.post<Payment>(
      `/households/${household.id}/payments`,
      { amountFen, method: 'cash', reference },
      withKey(),
    )
  ).body;

test('a payment that was typed twice is told, and is recorded when it is meant', async ({ open, people }) => {
  await pay(people, 5_000, 'R-1');
  const page = await open(`/households/${people.household.id}`, { as: people.clerk, refusals: [409] });
  await payForm(page).getByLabel('金额（元）').fill('50');
  await payForm(page).getByLabel('凭证号').fill('R-1');
  await payForm(page).getByRole('button', { name: '确认收款' }).click();
  await page.getByText('这笔缴费已经登记过').waitFor();
  await figure(page, '余额', '¥50.00').waitFor();
  await page.getByRole('button', { name: '确是另一笔，仍要收款' }).click();
  await figure(page, '余额', '¥100.00').waitFor();
});

test('a payment is taken back with a reason, and balance, list and ledger say so', async ({ open, people }) => {
  const { receiptNo } = await pay(people, 12_300, 'R-7');
  const page = await open(`/households/${people.household.id}`, { as: people.clerk });
  await payments(page)
    .getByRole('button', { name: `冲正收据 ${receiptNo}` })
    .click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: '冲正' }).click();
  await dialog.getByText('请输入原因').waitFor();
  await dialog.getByLabel('原因').fill('收错户了');
  await dialog.getByRole('button', { name: '冲正' }).click();
  await payments(page).getByText('已冲正：收错户了').waitFor();
  await figure(page, '余额', '¥0.00').waitFor();
  await ledger(page).getByText('-¥123.00').waitFor();
  await expect.poll(() => payments(page).getByRole('button', { name: /冲正/ }).count()).toBe(0);
});

test('a receipt is printed without the frame around it, and says what was paid in capitals', async ({
  open,
  people,
}) => {
  const { receiptNo } = await pay(people, 120_050, 'R-8');
  const page = await open(`/households/${people.household.id}`, { as: people.clerk });
  await payments(page)
    .getByRole('link', { name: `收据 ${receiptNo}` })
    .click();
  const paper = page.getByRole('article', { name: '收据' });
  await paper.getByText('壹仟贰佰元伍角整').waitFor();
  await paper.getByText(receiptNo).waitFor();
  await page.emulateMedia({ media: 'print' });
  await page.getByRole('banner').waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: '打印' }).waitFor({ state: 'hidden' });
  await paper.getByText(people.company.name).waitFor();
  await page.emulateMedia({ media: null });
});

test('a resident sees the own receipt, and takes nothing back', async ({ open, people }) => {
  const { id, receiptNo } = await pay(people, 700, 'R-9');
  const page = await open(`/households/${people.household.id}`, { as: people.resident });
  await payments(page)
    .getByRole('link', { name: `收据 ${receiptNo}` })
    .waitFor();
  expect(await page.getByRole('button', { name: /冲正|办理/ }).count()).toBe(0);
  const paper = await open(`/receipts/${id}`, { as: people.resident });
  await paper.getByRole('article').getByText('¥7.00').waitFor();
});

test('a deposit is received, pays what is owed, and is given back; the report adds it up', async ({
  open,
  gateway,
  people,
}) => {
  const { clerk, household } = people;
  const page = await open(`/households/${household.id}`, { as: clerk });
  await figure(page, '应交押金', '¥1,000.00').waitFor();
  await depositForm(page).getByLabel('凭证号').fill('Y-1');
  await depositForm(page).getByRole('button', { name: '确认办理' }).dblclick();
  await page.getByText('办理成功：¥1,000.00').waitFor();
  await figure(page, '押金', '¥1,000.00').waitFor();
  const path = `/households/${household.id}/adjustments`;
  await gateway.admin.post(path, { amountFen: -30_000, reason: 'bill' }, withKey());
  await page.getByRole('button', { name: '继续办理' }).click();
  await depositForm(page).getByText('抵扣欠费').click();
  await depositForm(page).getByRole('button', { name: '确认办理' }).click();
  await page.getByText('办理成功：¥300.00').waitFor();
  await page.getByRole('button', { name: '继续办理' }).click();
  await depositForm(page).getByText('退押金').click();
  await depositForm(page).getByLabel('凭证号').fill('T-1');
  await depositForm(page).getByLabel('原因').fill('搬走');
  await depositForm(page).getByRole('button', { name: '确认办理' }).click();
  await page.getByText('办理成功：¥700.00').waitFor();
  await page.getByText('押金', { exact: true }).and(page.locator('.ant-segmented-item-label')).click();
  await ledger(page).getByText('-¥700.00').waitFor();
  const { body } = await clerk.get<Account>(`/households/${household.id}/account`);
  expect(body).toMatchObject({ balanceFen: 0, depositFen: 0 });
  const report = await open('/deposits', { as: clerk });
  const row = report.getByRole('table', { name: '押金报表' }).getByRole('row').filter({ hasText: people.company.name });
  for (const amount of ['¥1,000.00', '¥300.00', '¥700.00']) await row.getByText(amount).waitFor();
  await report.getByRole('button', { name: 'English' }).click();
  await report.getByRole('columnheader', { name: 'Given back' }).waitFor();
});

const adjustForm = (page: Page) => page.getByRole('form', { name: '调整' });
async function fillAdjustment(page: Page, amount: string): Promise<void> {
  await adjustForm(page).getByLabel('金额（元）').fill(amount);
  await adjustForm(page).getByLabel('原因').fill('抄表错误');
  await adjustForm(page).getByLabel('依据').fill('复核单 2026-17');
  await adjustForm(page).getByRole('button', { name: '查看结果' }).click();
}

test('an adjustment shows its effect first, and is booked once however fast it is clicked', async ({
  open,
  people,
}) => {
  await pay(people, 10_000, 'R-20');
  const page = await open(`/households/${people.household.id}`, { as: people.clerk });
  await adjustForm(page).getByRole('button', { name: '查看结果' }).click();
  await adjustForm(page).getByText('请输入依据').waitFor();
  await page.getByText('补收', { exact: true }).click();
  await fillAdjustment(page, '30.50');
  const preview = page.getByRole('group', { name: '调整结果' });
  await preview.getByText('余额将由 ¥100.00 变为 ¥69.50').waitFor();
  await preview.getByRole('button', { name: '返回修改' }).click();
  await page.getByText('减免', { exact: true }).click();
  await fillAdjustment(page, '30.50');
  await preview.getByText('余额将由 ¥100.00 变为 ¥130.50').waitFor();
  expect((await people.clerk.get<Account>(`/households/${people.household.id}/account`)).body.balanceFen).toBe(10_000);
  await preview.getByRole('button', { name: '确认入账' }).dblclick();
  await page.getByText('已入账：¥30.50').waitFor();
  await figure(page, '余额', '¥130.50').waitFor();
  await ledger(page).getByText('复核单 2026-17').waitFor();
  expect(await ledger(page).getByText('抄表错误').count()).toBe(1);
});

test('an adjustment that only an admin may make is refused, and books nothing', async ({ open, people }) => {
  const page = await open(`/households/${people.household.id}`, { as: people.clerk, refusals: [403] });
  await fillAdjustment(page, '900000');
  const preview = page.getByRole('group', { name: '调整结果' });
  await preview.getByRole('button', { name: '确认入账' }).click();
  await preview.getByRole('alert').filter({ hasText: '您的角色无权进行此操作' }).waitFor();
  await figure(page, '余额', '¥0.00').waitFor();
});

test('the report of deposits is saved as it is filtered, and a wrong range is told', async ({ open, people }) => {
  const { clerk, household } = people;
  const body = { amountFen: 60_000, method: 'cash', reference: 'D-9' };
  await clerk.post(`/households/${household.id}/deposit/receive`, body, withKey());
  const page = await open('/deposits', { as: clerk });
  const report = page.getByRole('table', { name: '押金报表' });
  await report.getByText('¥600.00').first().waitFor();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: '导出 CSV' }).click();
  const text = await readFile(await (await download).path(), 'utf8');
  expect(text.split('\r\n')[1]).toBe(`${people.company.name},141023,0.00,600.00,0.00,0.00,0.00,600.00`);
  await page.getByLabel('截止日期').fill('2020-01-01');
  await page.getByText('起始日期不能晚于截止日期').waitFor();
});
