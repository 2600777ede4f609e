import { expect } from 'vitest';
import { makeHousehold, OTHER_VILLAGE } from '../helpers/gateway.ts';
import { test as consoleTest } from './browser.ts';
import { playBoiler } from './terminal.ts';

/** What each role is shown, and what it is not. */

const test = consoleTest
  .extend('mine', { scope: 'file' }, ({ gateway }) => makeHousehold(gateway))
  .extend('theirs', { scope: 'file' }, ({ gateway }) => makeHousehold(gateway, OTHER_VILLAGE));

const NOT_FOUND = '没有找到，或您无权查看';

test('a resident who asks for another household or its terminal is told that it is not there', async ({
  open,
  origin,
  gateway,
  mine,
  theirs,
}) => {
  await using boiler = await playBoiler(gateway, theirs.household.id);
  const page = await open(`/households/${mine.household.id}`, { as: mine.resident, refusals: [404] });
  for (const path of [`/households/${theirs.household.id}`, `/terminals/${boiler.id}`]) {
    await page.goto(`${origin}${path}`);
    await page.getByRole('alert').getByText(NOT_FOUND).waitFor();
    expect(await page.getByRole('main').textContent()).not.toContain(theirs.household.name);
    await page.getByRole('link', { name: '返回' }).click();
    await page.getByRole('heading', { level: 1, name: mine.household.name }).waitFor();
  }
});

test('a resident who asks for a list gets home instead', async ({ open, origin, mine }) => {
  const page = await open('/', { as: mine.resident });
  for (const path of ['/terminals', '/households', '/alarms', '/quarantine', '/imports', '/claim']) {
    await page.goto(`${origin}${path}`);
    await page.getByRole('heading', { level: 1, name: mine.household.name }).waitFor();
  }
});

test('a resident sees the own household and its terminals, and nothing to switch or to pay in', async ({
  open,
  gateway,
  mine,
}) => {
  await using boiler = await playBoiler(gateway, mine.household.id);
  await boiler.read({ room_c: 20.1, power_on: true, gas_m3: 12 });
  const page = await open(`/households/${mine.household.id}`, { as: mine.resident });
  await page.getByRole('heading', { level: 1, name: mine.household.name }).waitFor();
  await page.getByText('余额').waitFor();
  await page.getByRole('heading', { name: '缴费记录' }).waitFor();
  expect(await page.getByRole('form', { name: '收款' }).count()).toBe(0);
  expect(await page.getByRole('navigation').count()).toBe(0);
  await page.getByRole('link', { name: boiler.id }).click();
  await page.getByRole('heading', { name: '历史曲线' }).waitFor();
  await page.locator('dt:text-is("室温") + dd').getByText('20.1 °C').waitFor();
  for (const name of ['远程控制', '指令记录']) expect(await page.getByRole('heading', { name }).count()).toBe(0);
});

test('an operator sees the commands that were given, and no switch', async ({ open, gateway, mine }) => {
  await using boiler = await playBoiler(gateway, mine.household.id);
  await boiler.read({ room_c: 20.1, power_on: true });
  await mine.clerk.command(boiler.id, { command: 'power', value: 'off' });
  const page = await open(`/terminals/${boiler.id}`, { as: mine.operator });
  await page.getByRole('region', { name: '最近一条指令' }).getByText('开关 → 关闭').waitFor();
  expect(await page.getByRole('heading', { name: '远程控制' }).count()).toBe(0);
  expect(await page.getByRole('button', { name: /^(开启|关闭|下发|撤销指令)$/ }).count()).toBe(0);
});

test('an alarm appears by itself, and an operator acknowledges it', async ({ open, gateway, mine }) => {
  await using boiler = await playBoiler(gateway, mine.household.id);
  const page = await open('/alarms', { as: mine.operator });
  await page.getByText('没有告警').waitFor();
  await page.getByRole('status').getByText('实时').waitFor();
  await boiler.say('events', { time: Date.now(), event: 'gas_leak', data: { ppm: 120, where: '厨房' } });
  await page.getByText('ppm: 120 · where: 厨房').waitFor();
  await page.getByRole('button', { name: `确认告警：燃气泄漏，终端 ${boiler.id}` }).click();
  await page.getByText('没有告警').waitFor();
  // What happened once has no end of its own: that someone took note of it is its end.
  await page.getByText('已解除', { exact: true }).click();
  await page
    .getByRole('row', { name: '燃气泄漏' })
    .filter({ hasText: boiler.id })
    .getByText(/^operator-\d+ 于 .* 确认$/)
    .waitFor();
});
