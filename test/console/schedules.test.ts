import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Schedule } from '../../src/http/schemas/schedules.ts';
import { newId } from '../../src/lib/ids.ts';
import { makeHousehold, makeTerminal } from '../helpers/gateway.ts';
import { type Page as Listed, withKey } from '../http/stage.ts';
import { test as consoleTest, PHONE } from './browser.ts';

/** What clerks do with commands at a time. */

const test = consoleTest.extend('people', async ({ gateway }) => {
  const people = await makeHousehold(gateway);
  const householdId = people.household.id;
  const { id: boiler } = await makeTerminal(gateway.admin, { id: newId('b'), profile: 'gas-boiler', householdId });
  const { id: meter } = await makeTerminal(gateway.admin, { id: newId('m'), profile: 'gas-meter', householdId });
  return { ...people, boiler, meter };
});

async function choose(page: Page, label: string, option: string): Promise<void> {
  await page.getByRole('combobox', { name: label }).click();
  await page.getByTitle(option, { exact: true }).last().click();
}

async function fillWeekly(page: Page, terminal: string, command: string): Promise<void> {
  await page.getByText('按终端列表').click();
  await page.getByLabel('终端编号，每行一个').fill(terminal);
  await choose(page, '指令', command);
  await page.getByLabel('原因（必填）').fill('上班前预热');
  await page.getByRole('checkbox', { name: '周五' }).check();
  await page.getByRole('checkbox', { name: '周一' }).check();
  await page.getByLabel('北京时间').fill('06:30');
}

const listed = async ({ clerk }: { clerk: { get: <T>(path: string) => Promise<{ body: T }> } }) =>
  (await clerk.get<Listed<Schedule>>('/schedules')).body.items;

test('a clerk makes a weekly schedule, sees when it is next, switches it off and deletes it', async ({
  open,
  people,
}) => {
  const page = await open('/', { as: people.clerk });
  await page.getByRole('link', { name: '定时任务' }).click();
  await page.getByText('还没有定时任务').waitFor();
  await fillWeekly(page, people.boiler, '设定温度');
  await page.getByRole('spinbutton', { name: '值' }).fill('21');
  await page.getByRole('button', { name: '保存' }).click();
  const table = page.getByRole('table', { name: '定时任务' });
  await table.getByText('周一、周五 06:30').waitFor();
  const [made] = await listed(people);
  expect(made).toMatchObject({ weekly: { days: [1, 5], time: '06:30' }, value: 21, terminalIds: [people.boiler] });
  await table.locator(`time[datetime="${made?.nextAt}"]`).getByText('06:30:00').waitFor();
  await table.getByRole('button', { name: '执行记录' }).click();
  await table.getByText('还没有到过执行时间').waitFor();

  await table.getByRole('switch').click();
  await table.getByText('已停用').waitFor();
  expect(await listed(people)).toMatchObject([{ active: false }]);
  await page.setViewportSize(PHONE);
  expect(await page.locator('html').evaluate(({ scrollWidth }) => scrollWidth)).toBeLessThanOrEqual(PHONE.width);
  await table.getByRole('button', { name: '删除' }).click();
  await page.getByRole('dialog', { name: '删除这个定时任务？' }).getByRole('button', { name: '删除' }).click();
  await page.getByText('还没有定时任务').waitFor();
}, 60_000);

test('a clerk changes a schedule; what a colleague has changed meanwhile is not overwritten', async ({
  open,
  people,
}) => {
  const wish = { terminalIds: [people.boiler], command: 'setpoint', value: 20, reason: '早晨预热' };
  const weekly = { days: [1], time: '06:30' };
  const { body: made } = await people.clerk.post<Schedule>('/schedules', { ...wish, weekly }, withKey());
  let page = await open('/schedules', { as: people.clerk });
  await page.getByRole('button', { name: '修改：设定温度 → 20' }).click();
  let dialog = page.getByRole('dialog', { name: '修改定时任务' });
  await dialog.getByRole('spinbutton', { name: '值' }).fill('22');
  await dialog.getByRole('checkbox', { name: '周五' }).check();
  await dialog.getByLabel('北京时间').fill('07:00');
  await dialog.getByRole('button', { name: '保存' }).click();
  await page.getByRole('table', { name: '定时任务' }).getByText('周一、周五 07:00').waitFor();
  expect(await listed(people)).toMatchObject([{ value: 22, weekly: { days: [1, 5], time: '07:00' }, version: 2 }]);

  page = await open('/schedules', { as: people.clerk, viewport: PHONE, refusals: [409] });
  await page.getByRole('button', { name: '修改：设定温度 → 22' }).click();
  dialog = page.getByRole('dialog', { name: '修改定时任务' });
  const path = `/schedules/${made.id}`;
  expect((await people.clerk.patch(path, { version: 2, reason: '同事改的' })).status).toBe(200);
  await dialog.getByLabel('原因（必填）').fill('我改的');
  await dialog.getByRole('button', { name: '保存' }).click();
  await dialog.getByText('有人刚刚改过').waitFor();
  expect(await page.locator('html').evaluate(({ scrollWidth }) => scrollWidth)).toBeLessThanOrEqual(PHONE.width);
  expect(await listed(people)).toMatchObject([{ reason: '同事改的', version: 3 }]);
}, 60_000);

test('a schedule that would open a valve is refused, and the page says why', async ({ open, people }) => {
  const page = await open('/schedules', { as: people.clerk, refusals: [422] });
  await fillWeekly(page, people.meter, '阀门');
  await choose(page, '值', '允许开阀');
  await page.getByRole('button', { name: '保存' }).click();
  const refusal = page.getByRole('alert');
  await refusal.getByText('控制策略不允许').waitFor();
  await refusal.getByText('只能由人').waitFor();
  expect(await listed(people)).toEqual([]);
}, 60_000);
