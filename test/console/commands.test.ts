import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { makeHousehold } from '../helpers/gateway.ts';
import { test as consoleTest } from './browser.ts';
import { playBoiler } from './terminal.ts';

/** What a person sees of a command, from the question to the reading that proves it. */

const test = consoleTest.extend('people', { scope: 'file' }, ({ gateway }) => makeHousehold(gateway));

const ON = { room_c: 19.4, setpoint_c: 20, power_on: true };

const power = (page: Page) => page.getByRole('group', { name: '开关' });
const setpoint = (page: Page) => page.getByRole('group', { name: '设定温度' });
const latest = (page: Page) => page.getByRole('region', { name: '最近一条指令' });
const measured = (page: Page, state: string) => power(page).getByText(`实测状态: ${state}`);

async function switchOff(page: Page): Promise<void> {
  await power(page).getByRole('button', { name: '关闭' }).click();
  await page.getByRole('dialog').getByRole('button', { name: '下发关闭指令' }).click();
}

test('a value that the terminal does not take is refused in words, and nothing is sent', async ({
  open,
  gateway,
  people,
}) => {
  await using boiler = await playBoiler(gateway, people.household.id);
  await boiler.read(ON);
  const page = await open(`/terminals/${boiler.id}`, { as: people.clerk, refusals: [422] });
  const value = setpoint(page).getByRole('spinbutton', { name: '新值：设定温度' });
  for (const wrong of [99, 20.3]) {
    await value.fill(String(wrong));
    await value.press('Enter');
    await page.getByRole('alert').getByText('该终端不允许这个值').waitFor();
    await setpoint(page).getByText('可设 5–30 °C，步长 0.5').waitFor();
    expect(Number(await value.inputValue())).toBe(wrong);
  }
  await value.fill('21.5');
  await setpoint(page).getByRole('button', { name: '下发' }).click();
  await page.getByRole('alert').waitFor({ state: 'detached' });
  expect(await boiler.next()).toMatchObject({ command: 'setpoint', value: 21.5 });
});

test('who is asked and says no has sent nothing', async ({ open, gateway, people }) => {
  await using boiler = await playBoiler(gateway, people.household.id);
  await boiler.read(ON);
  const page = await open(`/terminals/${boiler.id}`, { as: people.clerk });
  await power(page).getByRole('button', { name: '关闭' }).click();
  const question = page.getByRole('dialog', { name: '确认关闭取暖' });
  await question.getByText(people.household.name).waitFor();
  await question.getByRole('button', { name: '取消' }).click();
  await question.waitFor({ state: 'hidden' });
  const { body } = await people.clerk.get<{ items: object[] }>(`/commands?terminalId=${boiler.id}`);
  expect(body.items).toEqual([]);
});

test('a command to a terminal that is away warns, waits, and can be taken back', async ({ open, gateway, people }) => {
  const boiler = await playBoiler(gateway, people.household.id);
  await boiler.read(ON);
  await boiler.say('status', { online: false });
  await boiler[Symbol.asyncDispose]();
  const page = await open(`/terminals/${boiler.id}`, { as: people.clerk });
  await page.getByRole('alert').getByText('终端当前不在线').waitFor();
  await switchOff(page);
  await latest(page).getByText('排队中，等待下发。').waitFor();
  await latest(page).getByRole('button', { name: '撤销指令' }).click();
  await latest(page).getByText('指令已撤销，没有下发。').waitFor();
  await latest(page)
    .getByText(/^撤销人：company-/)
    .waitFor();
});

test('a command that the terminal rejects shows the terminal’s reason, and is not done', async ({
  open,
  gateway,
  people,
}) => {
  await using boiler = await playBoiler(gateway, people.household.id);
  await boiler.read(ON);
  const page = await open(`/terminals/${boiler.id}`, { as: people.clerk });
  await switchOff(page);
  await boiler.answer(await boiler.next(), 'rejected', 'burner is locked out');
  await latest(page).getByText('终端拒绝执行，指令未生效。').waitFor();
  await latest(page).getByText('终端拒绝执行：burner is locked out').waitFor();
  await measured(page, '开').waitFor();
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByText('The terminal refused: burner is locked out').waitFor();
});

test('switching off asks first, and is shown as done only when a reading shows it', async ({
  open,
  gateway,
  people,
}) => {
  await using boiler = await playBoiler(gateway, people.household.id);
  await boiler.read(ON);
  const page = await open(`/terminals/${boiler.id}`, { as: people.clerk });
  await measured(page, '开').waitFor();
  await power(page).getByRole('button', { name: '关闭' }).click();
  const question = page.getByRole('dialog', { name: '确认关闭取暖' });
  await question.getByText('严寒天气下水管可能冻裂').waitFor();
  expect(boiler.received).toEqual([]);
  await question.getByLabel('原因').fill('检修');
  await question.getByRole('button', { name: '下发关闭指令' }).click();

  const command = await boiler.next();
  expect(command).toMatchObject({ command: 'power', value: 'off' });
  await latest(page).getByText('已下发，等待终端应答。').waitFor();
  await latest(page).getByText('下发方式：MQTT').waitFor();
  await latest(page).getByText('原因: 检修').waitFor();

  await boiler.answer(command, 'accepted');
  await latest(page).getByText('终端已接收，等待读数确认。').waitFor();
  // A reading that shows nothing of it has come through, so what follows is not merely too early.
  await boiler.read({ ...ON, room_c: 19.1 });
  await page.getByText('19.1 °C').waitFor();
  await measured(page, '开').waitFor();
  expect(await latest(page).textContent()).not.toMatch(/已确认|生效|✓/);
  await latest(page).getByText('等待读数确认', { exact: true }).waitFor();

  await boiler.read({ ...ON, power_on: false });
  await latest(page).getByText('读数已证实，指令生效。').waitFor();
  await latest(page).getByText('读数证实：开关 = 关').waitFor();
  await measured(page, '关').waitFor();
  await page.getByRole('button', { name: 'English' }).click();
  const steps = page.getByRole('region', { name: 'Progress of the command' });
  for (const step of [/^Requested by: company-/, 'Sent over: MQTT', 'Shown by a reading: Switched on = Off']) {
    await steps.getByText(step).waitFor();
  }
});
