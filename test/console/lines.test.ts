import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { startDtu, startModbusLine } from '../../device-sim/modbus-server.ts';
import { projectRoot } from '../../src/config.ts';
import { freePort } from '../../src/demo/free-port.ts';
import type { LineDetail } from '../../src/http/schemas/modbus.ts';
import { newId } from '../../src/lib/ids.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';
import { makeHousehold, makeTerminal, type TestGateway } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { simulate } from '../modbus/devices.ts';
import { test as consoleTest, PHONE } from './browser.ts';

/** The lines as people look after them, with simulated meters of which one is dead. */

const DEAD = 2;

function simulateMeters(units: number[]) {
  const profile = loadProfiles(join(projectRoot, 'config/profiles')).get('eastron-sdm120');
  if (!profile) throw new Error('no profile');
  const values = () => ({ voltage_v: 230, current_a: 1, power_kw: 1, frequency_hz: 50, energy_kwh: 1 });
  return simulate(units.map((unit) => ({ unit, profile, values })));
}

type LineSettings = { host: string; port: number; framing: 'rtu' } | { listen: number; registration: string };

const addMeter = (gateway: TestGateway, id: string, line: LineSettings, unit: number) =>
  makeTerminal(gateway.admin, {
    id,
    profile: 'eastron-sdm120',
    connection: { type: 'modbus', line: { ...line, timeoutMs: 500 }, unit },
  });

/** A line of three meters, the second dead, seen as such by the gateway; of one company. */
const test = consoleTest.extend('scene', { scope: 'file' }, async ({ gateway }, { onCleanup }) => {
  const meters = simulateMeters([1, 3]);
  const box = await startModbusLine({ host: '127.0.0.1', port: 0, framing: 'rtu' }, meters.parts);
  onCleanup(async () => {
    meters.stop();
    await box[Symbol.asyncDispose]();
  });
  const mine = await makeHousehold(gateway);
  const line = { host: '127.0.0.1', port: box.port, framing: 'rtu' as const };
  for (const unit of [1, DEAD, 3]) await addMeter(gateway, `M-${unit}`, line, unit);
  await gateway.admin.patch('/terminals/M-1', { householdId: mine.household.id });
  const id = `127.0.0.1:${box.port}`;
  await eventually(async () => {
    const { body } = await gateway.admin.get<LineDetail>(`/modbus/lines/${encodeURIComponent(id)}`);
    return body.units.some(({ breaker }) => breaker === 'open') && body.units.some(({ lastAnswerAt }) => lastAnswerAt);
  }, 30_000);
  return { id, clerk: mine.clerk };
});

const rowOf = (page: Page, table: string, text: string) =>
  page.getByRole('table', { name: table }).getByRole('row').filter({ hasText: text });

test('where there is no line yet, the page says how one is added', async ({ open, gateway }) => {
  const nobody = await makeHousehold(gateway);
  const page = await open('/lines', { as: nobody.clerk });
  await page.getByText('还没有 Modbus 线路').waitFor();
  await page.getByText('登记一台连接方式为 Modbus 的终端').waitFor();
  await page.getByRole('link', { name: '导入', exact: true }).last().click();
  await page.waitForURL('**/imports');
});

test('a line that does not exist, or is another’s, is said not to be there', async ({ open, gateway, scene }) => {
  const nobody = await makeHousehold(gateway);
  const page = await open(`/lines/${encodeURIComponent(scene.id)}`, { as: nobody.clerk, refusals: [404] });
  await page.getByRole('alert').waitFor();
});

test('a dead unit is seen on the list, found by the filter, and looked at with its neighbours and the last frames', async ({
  open,
  gateway,
  scene,
}) => {
  const page = await open('/lines', { as: gateway.admin });
  await page.getByRole('link', { name: '线路', exact: true }).waitFor();
  const row = rowOf(page, '线路', scene.id);
  await row.getByText('3 个从站').waitFor();
  await row.getByText('1 个无应答').waitFor();
  await row.getByText(`unit ${DEAD} did not answer within`).waitFor();

  await page.getByRole('combobox', { name: '状态' }).click();
  await page.getByTitle('正常的').click();
  await page.getByText('没有符合条件的线路').waitFor();
  await page.getByRole('combobox', { name: '状态' }).click();
  await page.getByTitle('有问题的', { exact: true }).last().click();
  await page.getByRole('searchbox', { name: '搜索线路或终端号' }).fill('m-2');
  await page.waitForURL('**troubled=true&search=m-2**');
  await row.getByRole('link', { name: scene.id }).click();

  const dead = rowOf(page, '从站', `M-${DEAD}`);
  await dead.getByText('无应答', { exact: false }).first().waitFor();
  await dead.getByText(/\d+ 秒后试探/).waitFor();
  await rowOf(page, '从站', 'M-1').getByText('有应答').waitFor();
  const frames = page.getByRole('table', { name: '最近的报文' });
  // Function 04 for unit 1, and what came.
  await frames
    .getByText(/^01 04 00 /)
    .first()
    .waitFor();
  await frames
    .getByText(/^01 04 \w\w /)
    .first()
    .waitFor();
  await rowOf(page, '从站', 'M-1').getByRole('link', { name: 'M-1' }).click();
  await page.waitForURL('**/terminals/M-1');
  await page.getByRole('link', { name: scene.id }).click();
  await page.getByRole('heading', { name: scene.id }).waitFor();
});

test('the page follows the line without being asked to', async ({ open, gateway, scene }) => {
  const page = await open(`/lines/${encodeURIComponent(scene.id)}`, { as: gateway.admin, language: 'en' });
  const requests = page.locator('.figure').filter({ hasText: 'Requests' }).locator('dd');
  const before = await requests.textContent();
  await eventually(async () => (await requests.textContent()) !== before, 15_000);
});

test('a company sees its own units only, and nothing of DTUs', async ({ open, scene }) => {
  const page = await open('/lines', { as: scene.clerk, language: 'en' });
  const row = rowOf(page, 'Modbus lines', scene.id);
  await row.getByText('Units: 1').waitFor();
  expect(await page.getByText('DTUs that dial in').count()).toBe(0);
  await row.getByRole('link').click();
  await rowOf(page, 'Units', 'M-1').waitFor();
  expect(await page.getByText(`M-${DEAD}`).count()).toBe(0);
});

test('a DTU has a page of its own, and an admin sees who dialled in and was refused', async ({
  open,
  gateway,
  scene,
}) => {
  expect(scene.id).toBeTruthy();
  const port = await freePort();
  const meter = newId('m');
  const meters = simulateMeters([7]);
  const line = { listen: port, registration: 'HG/7' };
  await addMeter(gateway, meter, line, 7);
  onTestFinished(async () => {
    meters.stop();
    await gateway.admin.delete(`/terminals/${meter}`);
  });
  const id = `${port}/HG/7`;
  const page = await open('/lines', { as: gateway.admin });
  await rowOf(page, '线路', id).getByText('has not dialled in').first().waitFor();
  const refused = page.locator('.figure').filter({ hasText: '未知注册包' }).locator('dd');
  const before = Number(await refused.textContent());
  const stranger = connect(port, '127.0.0.1', () => void stranger.write('HG/8'));
  await once(stranger, 'close');
  const dtu = await startDtu({ ...line, gateway: '127.0.0.1' }, meters.parts);
  onTestFinished(() => dtu[Symbol.asyncDispose]());
  await rowOf(page, '线路', id).getByText('已连通').waitFor({ timeout: 20_000 });
  await eventually(async () => Number(await refused.textContent()) === before + 1);
  await rowOf(page, '线路', id).getByRole('link').click();
  await page.getByRole('heading', { name: id }).waitFor();
  // By its address as well, which has slashes in it.
  await page.reload();
  await rowOf(page, '从站', meter).getByText('有应答').waitFor({ timeout: 20_000 });
});

const OVERHANG = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';

test.for(['zh', 'en'] as const)(
  'on a phone neither page needs sideways scrolling (%s)',
  async (language, { open, gateway, scene }) => {
    const page = await open('/lines', { as: gateway.admin, language, viewport: PHONE });
    await page
      .getByText(/did not answer within/)
      .first()
      .waitFor();
    expect(await page.evaluate(OVERHANG)).toBe(0);
    await page.getByRole('link', { name: scene.id }).click();
    await page
      .getByText(/^01 04 00 /)
      .first()
      .waitFor();
    expect(await page.evaluate(OVERHANG)).toBe(0);
  },
);
