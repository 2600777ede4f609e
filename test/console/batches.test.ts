import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { newId } from '../../src/lib/ids.ts';
import { obey, postBatch } from '../helpers/batches.ts';
import { makeHousehold, makeTerminal, signIn, type TestGateway, type TestTerminal } from '../helpers/gateway.ts';
import { test as consoleTest, PHONE } from './browser.ts';

/** What people see of a batch: the dry run, the second person, the progress. */

/** One more than a company may switch off without a second person. */
const BOILERS = 11;

async function twoPeople(gateway: TestGateway) {
  const people = await makeHousehold(gateway);
  const known = { username: newId('colleague'), password: 'a-long-password' };
  await gateway.admin.post('/users', { ...known, role: 'company', companyId: people.company.id });
  const terminals: TestTerminal[] = [];
  for (let n = 0; n < BOILERS; n += 1) {
    const householdId = people.household.id;
    terminals.push(await makeTerminal(gateway.admin, { id: newId('boiler'), profile: 'gas-boiler', householdId }));
  }
  return { ...people, terminals, colleague: await signIn(gateway.origin, known) };
}

const test = consoleTest.extend('people', ({ gateway }) => twoPeople(gateway));

async function choose(page: Page, label: string, option: string): Promise<void> {
  await page.getByRole('combobox', { name: label }).click();
  await page.getByTitle(option, { exact: true }).last().click();
}

async function fillOff(page: Page, terminals: TestTerminal[]): Promise<void> {
  await page.getByText('按终端列表').click();
  await page.getByLabel('终端编号，每行一个').fill(terminals.map(({ id }) => id).join('\n'));
  await choose(page, '指令', '开关');
  await choose(page, '值', '关闭');
  await page.getByLabel('原因（必填）').fill('主管道抢修');
}

test('a mass off is seen first, asked for, approved by a second person, and watched to its end', async ({
  open,
  gateway,
  people,
}) => {
  const page = await open('/batches', { as: people.clerk });
  await fillOff(page, people.terminals);
  await page.getByRole('button', { name: '预演' }).click();
  const preview = page.getByRole('region', { name: '预演结果' });
  await preview.getByText('提交后须由另一人审批，批准之前不会下发。').waitFor();
  await preview.getByText(`一小时内关停 ${BOILERS} 台`).waitFor();
  await preview.getByRole('button', { name: '提交审批' }).click();
  const question = page.getByRole('dialog', { name: `下发给 ${BOILERS} 台终端？` });
  await question.getByText('1 户将失去供暖').waitFor();
  await question.getByRole('button', { name: '提交审批' }).click();
  await page.getByText('您申请的批量指令须由另一人审批').waitFor();
  expect(await page.getByRole('button', { name: '批准' }).count()).toBe(0);
  const path = new URL(page.url()).pathname;

  await using obedient = new AsyncDisposableStack();
  for (const terminal of people.terminals) obedient.use(await obey(gateway, terminal));
  const second = await open('/held', { as: people.colleague });
  await second.getByRole('table', { name: '待审批的批量指令' }).getByRole('link').first().click();
  expect(new URL(second.url()).pathname).toBe(path);
  await second
    .getByRole('button', { name: '批 准' })
    .or(second.getByRole('button', { name: '批准' }))
    .click();
  const decision = second.getByRole('dialog', { name: '批准这个批次？' });
  await decision.getByLabel('审批意见（可不填）').fill('已核对');
  await decision.getByRole('button', { name: /批\s?准/ }).click();
  await second.getByText('· 已核对').waitFor();
  await second.getByText(`已确认 ${BOILERS}`).waitFor({ timeout: 40_000 });
  await second.getByText('已结束').first().waitFor({ timeout: 20_000 });
  await choose(second, '状态', `已确认 (${BOILERS})`);
  await second
    .getByRole('table', { name: '各终端结果' })
    .getByText(people.terminals[0]?.id ?? '')
    .waitFor();
  await second.getByRole('button', { name: 'English' }).click();
  await second.getByText('Each terminal').waitFor();
}, 90_000);

test('a running batch is paused and cancelled, and the phone shows it without scrolling sideways', async ({
  open,
  people,
}) => {
  const { body: batch } = await postBatch(people.clerk, {
    terminalIds: people.terminals.map(({ id }) => id),
    command: 'setpoint',
    value: 21,
    reason: '寒潮',
  });
  const page = await open(`/batches/${batch.id}`, { as: people.clerk, viewport: PHONE });
  await page.getByRole('button', { name: /暂\s?停/ }).click();
  await page.getByText('已暂停').first().waitFor();
  await page.getByRole('button', { name: /取\s?消/ }).click();
  await page.getByRole('dialog', { name: '取消这个批次？' }).getByRole('button', { name: '取消批次' }).click();
  await page.getByText('已取消').first().waitFor();
  for (const path of ['/batches', `/batches/${batch.id}`]) {
    await page.goto(`${new URL(page.url()).origin}${path}`);
    await page.getByText('寒潮').first().waitFor();
    expect(await page.locator('html').evaluate(({ scrollWidth }) => scrollWidth)).toBeLessThanOrEqual(PHONE.width);
  }
});
