import { join } from 'node:path';
import { startModbusLine } from '../../device-sim/modbus-server.ts';
import { projectRoot } from '../../src/config.ts';
import type { Readings } from '../../src/http/schemas/readings.ts';
import { newId } from '../../src/lib/ids.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { makeHousehold, makeTerminal, type TestGateway } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { simulate } from '../modbus/devices.ts';
import { test as consoleTest } from './browser.ts';
import { playBoiler } from './terminal.ts';

/** The page of one terminal. */

const test = consoleTest.extend('people', { scope: 'file' }, ({ gateway }) => makeHousehold(gateway));

const HOUR_MS = 3_600_000;

/** Waits until so many readings of a room are stored. */
const stored = ({ admin }: TestGateway, id: string, count: number) =>
  eventually(async () => {
    const [from, to] = [Date.now() - HOUR_MS, Date.now()];
    const path = `/terminals/${id}/readings?metric=room_c&from=${from}&to=${to}`;
    return (await admin.get<Readings>(path)).body.points.length === count;
  });

test('a terminal that is not there is told, with the way back', async ({ open, gateway }) => {
  const page = await open('/terminals/nobody', { as: gateway.admin, refusals: [404] });
  const alert = page.getByRole('alert');
  await alert.getByText('没有找到，或您无权查看').waitFor();
  await alert.getByRole('link', { name: '返回' }).click();
  await page.getByRole('heading', { level: 1, name: '终端' }).waitFor();
});

test('a terminal without readings says so in place of the chart', async ({ open, gateway, people }) => {
  await using boiler = await playBoiler(gateway, people.household.id);
  const page = await open(`/terminals/${boiler.id}`, { as: gateway.admin });
  await page.getByText('该时段没有读数').waitFor();
  await page.getByText('从未上报').waitFor();
});

test('a terminal shows its latest values with their age, and a chart of its temperatures', async ({
  open,
  gateway,
  people,
}) => {
  await using boiler = await playBoiler(gateway, people.household.id);
  for (const minutes of [20, 15, 10, 5, 0]) {
    await boiler.read({ supply_c: 50 - minutes, room_c: 19.5, power_on: true }, Date.now() - minutes * 60_000);
  }
  await stored(gateway, boiler.id, 5);
  const page = await open(`/terminals/${boiler.id}`, { as: people.operator });
  const value = (title: string) => page.locator(`dt:text-is("${title}") + dd`);
  await value('供水温度').getByText('50.0 °C').waitFor();
  await value('供水温度')
    .getByText(/^\d+ 秒前$/)
    .waitFor();
  await value('开关').getByText(/^开/).waitFor();
  const chart = page.getByRole('img', { name: /^供水温度, .*室温.* 的曲线，共 10 个点/ });
  await chart.locator('canvas').waitFor();
  await page.getByText('1 小时', { exact: true }).click();
  await chart.locator('canvas').waitFor();
  await boiler.read({ supply_c: 51.5 });
  await value('供水温度').getByText('51.5 °C').waitFor();
  await page.getByRole('button', { name: 'English' }).click();
  await page
    .getByRole('img', { name: /^Line chart of Supply, .*Room.*, 10 points/ })
    .locator('canvas')
    .waitFor();
});

test('a code is shown by its name, in both languages', async ({ open, gateway }) => {
  const profile = loadProfiles(join(projectRoot, 'config/profiles')).get('haier-yr-e27');
  if (!profile) throw new Error('no profile');
  const device = simulate([{ unit: 17, profile, values: () => ({ set_mode: 13, power_on: true, speed_mode: 7 }) }]);
  await using stack = new AsyncDisposableStack();
  stack.defer(device.stop);
  const { port } = stack.use(await startModbusLine({ host: '127.0.0.1', port: 0 }, device.parts));
  const connection = { type: 'modbus' as const, line: { host: '127.0.0.1', port }, unit: 17 };
  const id = newId('haier');
  await makeTerminal(gateway.admin, { id, profile: profile.profile, connection });
  await eventually(async () => (await gateway.admin.latest(id)).status === 'online');
  const page = await open(`/terminals/${id}`, { as: gateway.admin });
  const value = (title: string) => page.locator(`dt:text-is("${title}") + dd`);
  await value('设定模式').getByText('制热和热水').waitFor();
  // A code that no name is known of stays a number.
  await value('运行强度').getByText(/^7/).waitFor();
  await open(`/terminals/${id}`, { as: gateway.admin, language: 'en' });
  await value('Set mode').getByText('Heating and hot water').waitFor();
  await page.getByRole('group', { name: 'Mode', exact: true }).getByText('Measured: Heating and hot water').waitFor();
});
