import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Command } from '../../src/http/schemas/commands.ts';
import type { Household } from '../../src/http/schemas/people.ts';
import { makeHousehold, signIn, VILLAGE } from '../helpers/gateway.ts';
import { test as consoleTest, PHONE } from './browser.ts';
import { playBoiler } from './terminal.ts';

/** What needs a second person, as both of them see it. */

const test = consoleTest.extend('people', { scope: 'file' }, async ({ gateway }) => {
  const people = await makeHousehold(gateway);
  const login = { username: 'colleague', password: 'a-long-password' };
  await gateway.admin.post('/users', { ...login, role: 'company', companyId: people.company.id });
  const { body: frail } = await gateway.admin.post<Household>('/households', {
    accountNo: 'FRAIL',
    name: '李桂兰',
    areaCode: VILLAGE,
    companyId: people.company.id,
    vulnerable: true,
  });
  return { ...people, frail, colleague: await signIn(gateway.origin, login) };
});

const ON = { room_c: 19.4, setpoint_c: 20, power_on: true };
const row = (page: Page, id: string) => page.getByRole('row').filter({ hasText: id });

test('off for a vulnerable household asks for a reason, says that it is held, and shows what it waits for', async ({
  open,
  gateway,
  people,
}) => {
  await using boiler = await playBoiler(gateway, people.frail.id);
  await boiler.read(ON);
  const page = await open(`/terminals/${boiler.id}`, { as: people.clerk });
  await page.getByRole('group', { name: '开关' }).getByRole('button', { name: '关闭' }).click();
  const question = page.getByRole('dialog', { name: '确认关闭取暖' });
  await question.getByText('这条指令须由另一人审批后才会下发').waitFor();
  await question.getByText('该户已标记为重点照顾住户').waitFor();
  const send = question.getByRole('button', { name: '下发关闭指令' });
  expect(await send.isDisabled()).toBe(true);
  await question.getByLabel('原因（必填）').fill('烟道检修');
  await send.click();
  const latest = page.getByRole('region', { name: '最近一条指令' });
  await latest.getByText('等待另一人审批，尚未下发。').waitFor();
  await latest.getByText('该户已标记为重点照顾住户：须第二人审批。').waitFor();
  expect(boiler.received).toEqual([]);
  // Who asked sees it in the list, and cannot decide.
  await page.getByRole('link', { name: '待审批' }).click();
  await row(page, boiler.id).getByText('您申请的指令须由另一人审批').waitFor();
  expect(await row(page, boiler.id).getByRole('button').count()).toBe(0);
});

test('a second person sees why, who and what, approves, and the terminal gets it', async ({
  open,
  gateway,
  people,
}) => {
  await using boiler = await playBoiler(gateway, people.frail.id);
  await boiler.read(ON);
  const page = await open('/held', { as: people.colleague });
  await page.getByRole('heading', { name: '待审批指令' }).waitFor();
  const { body } = await people.clerk.command(boiler.id, { command: 'power', value: 'off', reason: '搬走了' });
  // It comes by itself.
  await row(page, boiler.id).getByText('申请原因：搬走了').waitFor();
  await row(page, boiler.id).getByText('开关 → 关闭').waitFor();
  await page.getByTitle(/\d+ 条指令待审批/).waitFor();
  await page.getByRole('button', { name: `批准 ${boiler.id} 的指令` }).click();
  const question = page.getByRole('dialog', { name: '批准这条指令？' });
  await question.getByText('该户已标记为重点照顾住户').waitFor();
  await question.getByLabel('审批意见（可不填）').fill('已电话核实');
  await question.getByRole('button', { name: '批准' }).click();
  await row(page, boiler.id).waitFor({ state: 'detached' });
  expect(await boiler.next()).toMatchObject({ id: body.id, value: 'off' });
  await page.goto(`${gateway.origin}/terminals/${boiler.id}`);
  const progress = page.getByRole('region', { name: '指令进度' });
  await progress.getByText('审批通过：colleague: 已电话核实').waitFor();
});

test('a refusal is said in words, in English too, and on a phone', async ({ open, gateway, people }) => {
  await using boiler = await playBoiler(gateway, people.frail.id);
  await boiler.read(ON);
  const { body } = await people.clerk.command(boiler.id, { command: 'power', value: 'off', reason: 'moved out' });
  const page = await open('/held', { as: people.colleague, language: 'en', viewport: PHONE });
  await row(page, boiler.id).getByText('The household is marked as vulnerable').waitFor();
  await page.getByRole('button', { name: `Refuse the command for ${boiler.id}` }).click();
  await page.getByRole('dialog', { name: 'Refuse this command?' }).getByRole('button', { name: 'Refuse' }).click();
  await row(page, boiler.id).waitFor({ state: 'detached' });
  expect((await people.clerk.get<Command>(`/commands/${body.id}`)).body.state).toBe('refused');
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(PHONE.width);
});

test('what the policy refuses cannot be sent from the dialog, which says why', async ({ open, gateway, people }) => {
  await using boiler = await playBoiler(gateway, people.household.id);
  await boiler.read({ ...ON, room_c: 10.5 });
  const page = await open(`/terminals/${boiler.id}`, { as: people.clerk });
  await page.getByRole('group', { name: '开关' }).getByRole('button', { name: '关闭' }).click();
  const question = page.getByRole('dialog', { name: '确认关闭取暖' });
  await question.getByText('控制策略现在不允许这样做').waitFor();
  await question.getByText('室温 10.5 °C，低于 12 °C，不能关停。').waitFor();
  expect(await question.getByRole('button', { name: '下发关闭指令' }).isDisabled()).toBe(true);
});

test('what was refused in the last moment tells the rule in the time line', async ({ open, gateway, people }) => {
  const away = await playBoiler(gateway, people.frail.id);
  await away.read(ON);
  await away[Symbol.asyncDispose]();
  const refused = await people.clerk.command(away.id, { command: 'power', value: 'off' });
  expect(refused.status).toBe(422);
  const page = await open(`/terminals/${away.id}`, { as: people.clerk, language: 'en' });
  const progress = page.getByRole('region', { name: /progress/i });
  await progress.getByText(/The policy does not allow it: To take heat away now needs a reason/).waitFor();
});
