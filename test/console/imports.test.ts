import { readFile } from 'node:fs/promises';
import type { Page as BrowserPage } from 'playwright-core';
import { expect } from 'vitest';
import type { Account } from '../../src/http/schemas/billing.ts';
import type { Household } from '../../src/http/schemas/people.ts';
import type { Terminal } from '../../src/http/schemas/terminals.ts';
import { newId } from '../../src/lib/ids.ts';
import { xlsxOfSheet } from '../../src/reports/xlsx.ts';
import { connectTerminal, makeHousehold, makeTerminal, VILLAGE } from '../helpers/gateway.ts';
import { finished, upload } from '../helpers/imports.ts';
import type { Page } from '../http/stage.ts';
import { test as consoleTest, PHONE } from './browser.ts';

/** Terminals from a file, their credentials, and a terminal that is claimed with a phone. Names are new in each try. */

const test = consoleTest.extend('people', { scope: 'file' }, ({ gateway }) => makeHousehold(gateway));

const choose = (page: BrowserPage, text: string, name = 'winter.csv') =>
  page.locator('input[type=file]').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });

async function downloaded(page: BrowserPage, act: () => Promise<void>): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), act()]);
  return readFile(await download.path(), 'utf8');
}

test('a file with errors is shown by row and column, and what was wrong can be saved', async ({ open, people }) => {
  const page = await open('/imports', { as: people.clerk });
  expect(await page.getByRole('button', { name: '导入', exact: true }).isDisabled()).toBe(true);
  await choose(page, 'id,profile,accountNo\nE-1,steam-engine,\nE-2,gas-boiler,NOBODY\n');
  await page.getByRole('button', { name: '导入', exact: true }).click();
  await page.getByText('文件有 2 处错误，什么也没有导入。').waitFor();
  const rows = page.getByRole('table', { name: '错误清单' }).locator('tbody').getByRole('row');
  await rows.filter({ hasText: '没有这种终端类型' }).getByText('steam-engine').waitFor();
  await rows.filter({ hasText: '没有这个住户' }).getByText('户号').waitFor();
  const csv = await downloaded(page, () => page.getByRole('button', { name: '下载错误清单' }).click());
  expect(csv).toContain('3,accountNo,户号,NOBODY,unknown_household');
  expect((await people.clerk.get('/terminals/E-2')).status).toBe(404);
});

test('a file is checked, imported, and its credentials are saved once', async ({ open, gateway, people }) => {
  const name = newId('w');
  const page = await open('/imports', { as: people.clerk, language: 'en' });
  await choose(
    page,
    `id,profile,accountNo\n${name}-1,gas-boiler,${people.household.accountNo}\n${name}-2,gas-boiler,\n`,
  );
  await page.getByRole('button', { name: 'Check file' }).click();
  await page.getByText('The file is well: 2 terminals would be new, 0 unchanged.').waitFor();
  expect((await people.clerk.get(`/terminals/${name}-1`)).status).toBe(404);
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByText('2 terminals are new, 0 unchanged.').waitFor();
  await page.getByRole('button', { name: 'Download credentials…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Download the new terminals’ credentials?' });
  const csv = await downloaded(page, () => dialog.getByRole('button', { name: 'Make and download' }).click());
  const [, id = '', secret = ''] = csv.split('\n')[1]?.split(',') ?? [];
  await (await connectTerminal(gateway, { id, secret })).endAsync();
  await page.getByText('Credentials were downloaded on').waitFor();
  expect(await page.getByRole('button', { name: 'Download credentials…' }).count()).toBe(0);
  await page.getByRole('table', { name: 'Imports' }).getByText('Rows 2 · New 2 · Unchanged 0').first().waitFor();
});

test('an import is found again after the page was closed, and is cancelled there', async ({
  open,
  gateway,
  people,
}) => {
  const who = { origin: gateway.origin, token: people.clerk.token };
  // So long that it cannot be over before it is cancelled.
  const name = newId('long');
  const lines = Array.from({ length: 200_000 }, (_, n) => `${name}-${n},gas-boiler\n`).join('');
  const { body } = await upload(who, `id,profile\n${lines}`, `?fileName=${name}.csv`);
  const page = await open('/imports', { as: people.clerk });
  await page
    .getByRole('table', { name: '导入记录' })
    .getByRole('link', { name: `${name}.csv` })
    .click();
  await page.getByRole('progressbar', { name: '导入进度' }).waitFor();
  await page.getByRole('button', { name: '取消导入' }).click();
  await page.getByText('什么也没有导入。').waitFor();
  expect((await finished(who, body)).state).toBe('cancelled');
});

test('households come from a workbook with what they begin with, and the list says what was imported', async ({
  open,
  people,
}) => {
  const page = await open('/imports', { as: people.clerk });
  await page.getByLabel('导入什么').getByText('住户', { exact: true }).click();
  const csv = await downloaded(page, () => page.getByRole('button', { name: '下载模板' }).click());
  expect(csv).toContain('户号,户名,区域代码');
  const no = newId('h').replace('_', '-');
  async function* rows(): AsyncGenerator<(string | bigint)[]> {
    yield [no, '张三', VILLAGE, -12_050n];
  }
  const chunks: Buffer[] = [];
  const sheet = { titles: ['户号', '户名', '区域代码', '期初余额'], rows: rows() };
  for await (const chunk of xlsxOfSheet(sheet)) chunks.push(chunk);
  const file = { name: '住户.xlsx', mimeType: '', buffer: Buffer.concat(chunks) };
  await page.locator('input[type=file]').setInputFiles(file);
  await page.getByRole('button', { name: '检查文件' }).click();
  await page.getByText('检查通过：将新增 1 户，0 户未变，1 户的期初余额将入账。').waitFor();
  await page.getByRole('button', { name: '导入', exact: true }).click();
  await page.getByText('已新增 1 户，0 户未变，1 户的期初余额已入账。').waitFor();
  const row = page.getByRole('table', { name: '导入记录' }).getByRole('row').filter({ hasText: '期初余额入账 1' });
  await row.getByText('住户', { exact: true }).first().waitFor();
  const { body } = await people.clerk.get<Page<Household>>(`/households?search=${no}`);
  const { body: account } = await people.clerk.get<Account>(`/households/${body.items[0]?.id}/account`);
  expect(account.balanceFen).toBe(-12_050);
});

test('the template is in the language of the page', async ({ open, people }) => {
  const page = await open('/imports', { as: people.clerk });
  const csv = await downloaded(page, () => page.getByRole('button', { name: '下载模板' }).click());
  expect(csv).toContain('终端号,终端类型,户号');
});

test('a terminal is claimed with a phone by what its QR code says, after its household was shown', async ({
  open,
  gateway,
  people: { clerk, household },
}) => {
  const id = newId('q');
  const body = { id, profile: 'gas-boiler', connection: { type: 'mqtt' }, unclaimed: true };
  const { body: made } = await gateway.admin.post<{ claim: { text: string } }>('/terminals', body);
  const page = await open('/claim', { as: clerk, viewport: PHONE, refusals: [422] });
  await page.getByLabel('二维码内容').fill(made.claim.text);
  expect(await page.getByLabel('终端号').inputValue()).toBe(id);
  await page.getByLabel('户号').fill('NOBODY');
  await page.getByLabel('户号').blur();
  await page.getByText('没有这个户号').waitFor();
  await page.getByRole('button', { name: '认领', exact: true }).click();
  await page.getByText('引用的对象不存在').waitFor();
  await page.getByLabel('户号').fill(household.accountNo);
  await page.getByLabel('户号').blur();
  await page.getByText(household.name).waitFor();
  // The sign of the request before may still be fading out in a page that is not in front.
  await page.getByRole('button', { name: /认领$/ }).click();
  await page.getByText(`终端 ${id} 已绑定到 ${household.name}`).waitFor();
  const { body: claimed } = await clerk.get<Terminal>(`/terminals/${id}`);
  expect(claimed).toMatchObject({ unclaimed: false, householdId: household.id, installedAt: expect.any(String) });
  await page.getByRole('button', { name: '认领下一台' }).click();
  expect(await page.getByLabel('终端号').inputValue()).toBe('');
});

test('a clerk changes a terminal’s password and revokes it, and an operator is offered neither', async ({
  open,
  gateway,
  people,
}) => {
  const id = newId('p');
  const old = await makeTerminal(people.clerk, { id, profile: 'gas-boiler', householdId: people.household.id });
  const page = await open(`/terminals/${id}`, { as: people.clerk });
  await page.getByRole('button', { name: '更换密码…' }).click();
  await page.getByRole('dialog', { name: '生成新密码？' }).getByRole('button', { name: '生成' }).click();
  await page.getByText('只显示这一次，请现在记下').waitFor();
  await page.getByText('更换中').waitFor();
  const secret =
    (await page
      .locator('dt:has-text("密码"), th:has-text("密码"), .ant-descriptions-item:has-text("密码")')
      .locator('code')
      .last()
      .textContent()) ?? '';
  await (await connectTerminal(gateway, { id, secret: secret.trim() })).endAsync();
  await expect(connectTerminal(gateway, old)).rejects.toThrow(/not authorized|bad user/i);
  await page.getByRole('button', { name: '吊销…' }).click();
  await page
    .getByRole('dialog', { name: `吊销终端 ${id} 的密码？` })
    .getByRole('button', { name: '吊销' })
    .click();
  await page.getByText('没有密码，不能接入').waitFor();
  await expect(connectTerminal(gateway, { id, secret: secret.trim() })).rejects.toThrow(/not authorized|bad user/i);
  const other = await open(`/terminals/${id}`, { as: people.operator });
  await other.getByRole('heading', { name: '历史曲线' }).waitFor();
  expect(await other.getByRole('heading', { name: '接入凭据' }).count()).toBe(0);
});
