import type { Readings } from '../../src/http/schemas/readings.ts';
import { makeHousehold, type TestGateway } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
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
