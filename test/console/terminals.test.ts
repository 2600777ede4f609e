import { expect } from 'vitest';
import { newId } from '../../src/lib/ids.ts';
import { makeHousehold, makeTerminal } from '../helpers/gateway.ts';
import { test as consoleTest } from './browser.ts';
import { playBoiler } from './terminal.ts';

/** The list of terminals. */

const test = consoleTest.extend('people', { scope: 'file' }, ({ gateway }) => makeHousehold(gateway));

test('a search that finds nothing says so', async ({ open, gateway }) => {
  const page = await open('/terminals?search=nothing-of-that-name', { as: gateway.admin });
  await page.getByText('没有数据').waitFor();
});

test('a terminal that never reported says so and shows no values', async ({ open, gateway, people }) => {
  const id = newId('silent');
  await makeTerminal(gateway.admin, { id, profile: 'gas-boiler', householdId: people.household.id });
  const page = await open('/terminals', { as: gateway.admin });
  const row = page.getByRole('row', { name: id });
  await row.getByText('未知').waitFor();
  await row.getByText('从未上报').waitFor();
  await expect.poll(() => row.getByRole('cell').allInnerTexts()).toContain('—');
});

test('the list shows a terminal with its values, its state in words and the age of its data', async ({
  open,
  gateway,
  people,
}) => {
  await using boiler = await playBoiler(gateway, people.household.id);
  const tenSecondsAgo = Date.now() - 10_000;
  await boiler.read({ supply_c: 48.2, return_c: 39.9, room_c: 19.4, power_on: true, gas_m3: 812.3 }, tenSecondsAgo);
  const page = await open('/terminals', { as: gateway.admin });
  const row = page.getByRole('row', { name: boiler.id });
  for (const text of [people.household.name, '燃气壁挂炉', '48.2 °C / 39.9 °C', '19.4 °C', '开', '812.30 m³']) {
    await row.getByText(text, { exact: true }).waitFor();
  }
  await row.getByText('在线').waitFor();
  await row.getByText(/^1\d 秒前$/).waitFor();
  await page.getByRole('button', { name: 'English' }).click();
  await row.getByText('Wall-hung gas boiler').waitFor();
  await row.getByText(/^\d\d s ago$/).waitFor();
});

test('a new reading, and the loss of a terminal, appear without reloading', async ({ open, gateway, people }) => {
  await using boiler = await playBoiler(gateway, people.household.id);
  await boiler.read({ room_c: 19.4 });
  const page = await open('/terminals', { as: gateway.admin });
  const row = page.getByRole('row', { name: boiler.id });
  await row.getByText('19.4 °C').waitFor();
  await page.getByRole('status').getByText('实时').waitFor();
  await boiler.read({ room_c: 18.7 });
  await row.getByText('18.7 °C').waitFor();
  await boiler.say('status', { online: false });
  await row.getByText('离线').waitFor();
});

test('status and search stand in the address, and the address brings them back', async ({ open, gateway, people }) => {
  await using lost = await playBoiler(gateway, people.household.id, newId('lost'));
  await using found = await playBoiler(gateway, people.household.id, newId('found'));
  for (const boiler of [lost, found]) await boiler.read({ room_c: 20 });
  await lost.say('status', { online: false });
  const page = await open('/terminals', { as: gateway.admin });
  const list = page.getByRole('table', { name: '终端列表' });
  await list.getByRole('link', { name: found.id }).waitFor();
  await page.getByRole('combobox', { name: '状态' }).click();
  await page.getByTitle('离线', { exact: true }).click();
  await list.getByRole('link', { name: found.id }).waitFor({ state: 'detached' });
  await page.getByRole('searchbox', { name: '搜索终端号或户名' }).fill(lost.id);
  await expect.poll(() => new URL(page.url()).search).toBe(`?status=offline&search=${lost.id}`);
  await page.reload();
  await list.getByRole('link', { name: lost.id }).waitFor();
  expect(await list.getByRole('link', { name: found.id }).count()).toBe(0);
  expect(await page.getByRole('searchbox', { name: '搜索终端号或户名' }).inputValue()).toBe(lost.id);
});
