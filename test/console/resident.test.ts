import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import { projectRoot } from '../../src/config.ts';
import { newId } from '../../src/lib/ids.ts';
import { makeHousehold, makeTerminal, OTHER_VILLAGE } from '../helpers/gateway.ts';
import { backfill, makeWorld, SHANGHAI_DAY, withKey } from '../http/stage.ts';
import { test as consoleTest, PHONE } from './browser.ts';
import { playBoiler } from './terminal.ts';

vi.setConfig({ testTimeout: 60_000 });

/** The residents' page, on a telephone. */

const SMALL = { width: 320, height: 568 };
const MOST_BYTES = 80_000;
const today = Math.floor((Date.now() + 8 * 3_600_000) / SHANGHAI_DAY) * SHANGHAI_DAY - 8 * 3_600_000;

const test = consoleTest
  .extend('world', { scope: 'file' }, ({ gateway }) => makeWorld(gateway, 'home', OTHER_VILLAGE))
  .extend('metered', { scope: 'file' }, async ({ gateway }) => {
    const people = await makeHousehold(gateway);
    const meter = await makeTerminal(gateway.admin, {
      id: 'meter',
      profile: 'gas-meter',
      householdId: people.household.id,
    });
    // Forty days of this year at 10 m³ a day, and of the last at 8.
    const days = (last: number, counter: number, a: number) =>
      Array.from({ length: 41 }, (_, n): [number, number] => [last - (40 - n) * SHANGHAI_DAY, counter + n * a]);
    await backfill(gateway, meter, 'gas_m3', days(today - 365 * SHANGHAI_DAY, 100, 8));
    await backfill(gateway, meter, 'gas_m3', days(today, 500, 10));
    return people;
  });

const tab = (page: Page, name: string) => page.getByRole('navigation').getByRole('link', { name }).click();
const overhang = (page: Page) =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

test('the whole page is smaller than 80 KB as it is sent', () => {
  const folder = join(projectRoot, 'dist/console/my');
  const files = globSync('**/*.*', { cwd: folder });
  expect(files.some((file) => file.endsWith('.js'))).toBe(true);
  const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(join(folder, file))).length, 0);
  expect(bytes).toBeLessThan(MOST_BYTES);
});

test('a resident signs in and sees the room, and what the home owes', async ({ open, gateway }) => {
  const { household } = await makeHousehold(gateway);
  const login = { username: newId('zhang'), password: 'long-enough-9' };
  await gateway.admin.post('/users', { ...login, role: 'resident', householdId: household.id });
  const page = await open('/my/', { viewport: PHONE, refusals: [401] });
  await page.getByLabel('用户名').fill(login.username);
  await page.getByLabel('密码').fill('something-else');
  await page.getByRole('button', { name: '登录' }).click();
  await page.getByRole('alert').getByText('用户名或密码不正确').waitFor();
  await page.getByLabel('密码').fill(login.password);
  await page.getByRole('button', { name: '登录' }).click();
  await page.getByRole('heading', { name: household.name }).waitFor();
  await page.getByText('家里还没有登记终端').waitFor();
  await page.locator('dt:text-is("余额") + dd').getByText('¥0.00').waitFor();
  await page.getByRole('button', { name: '退出' }).click();
  await page.getByRole('button', { name: '登录' }).waitFor();
});

test('a resident who comes to the console is led to the residents’ page', async ({ open, world }) => {
  const page = await open('/', { as: world.resident, viewport: PHONE });
  await page.waitForURL('**/my/');
  await page.getByRole('heading', { name: world.household.name }).waitFor();
});

test('staff who come to the residents’ page are shown the way to the console', async ({ open, world }) => {
  const page = await open('/my/', { as: world.clerk, viewport: PHONE });
  await page.getByText('此页面供住户使用').waitFor();
  await page.getByRole('link', { name: '去控制台' }).waitFor();
});

test('what a device said that is off line now is marked as old', async ({ open, gateway }) => {
  const { household, resident } = await makeHousehold(gateway);
  await using boiler = await playBoiler(gateway, household.id);
  await boiler.read({ room_c: 20.5, power_on: true });
  const page = await open('/my/', { as: resident, viewport: PHONE });
  await page.getByText('20.5 °C').waitFor();
  await page.getByText(/秒前更新/).waitFor();
  await boiler.say('status', { online: false });
  await page.reload();
  await page.getByText(/设备未上线，数据截至 \d+ 秒前/).waitFor();
});

test('use by day and by month stands against the same days of the year before', async ({ open, metered }) => {
  const page = await open('/my/#use', { as: metered.resident, viewport: PHONE });
  await page.getByRole('button', { name: '上一月' }).click();
  await page.getByRole('img', { name: /用量柱状图/ }).waitFor();
  await page.getByText('逐项数字').click();
  const lastOfMonth = new Date(today + SHANGHAI_DAY / 3).toISOString().slice(0, 8);
  const day = new Date(Date.parse(`${lastOfMonth}01`) - SHANGHAI_DAY).toISOString().slice(8, 10);
  await page.getByRole('row', { name: new RegExp(`${day} 10\\*? 8`) }).waitFor();
  await page.getByRole('button', { name: '按月' }).click();
  await page.getByText('比去年同期多 25%').waitFor();
});

test('a bill is read line by line', async ({ open, world }) => {
  const page = await open('/my/#bills', { as: world.resident, viewport: PHONE });
  await page.getByRole('heading', { name: world.bill.period }).waitFor();
  await page.getByRole('button', { name: '查看明细' }).click();
  const lines = page.getByRole('list', { name: '费用明细' });
  await lines.getByText(/第 1 档/).waitFor();
  await lines.getByText(/m³ × /).first().waitFor();
  await page.getByText('每行 = 用量 × 单价').waitFor();
});

test('a resident pays by QR code: the page follows by itself, and the receipt is there', async ({ open, gateway }) => {
  const { household, resident, clerk } = await makeHousehold(gateway);
  await clerk.post(`/households/${household.id}/adjustments`, { amountFen: -12_345, reason: 'old debt' }, withKey());
  const page = await open('/my/', { as: resident, viewport: PHONE });
  await page.locator('dt:text-is("应缴") + dd').getByText('¥123.45').waitFor();
  await tab(page, '缴费');
  const form = page.getByRole('form', { name: '扫码缴费' });
  await form.getByLabel('缴费金额').fill('0');
  await form.getByRole('button', { name: '生成二维码' }).click();
  await form.getByRole('alert').waitFor();
  await form.getByRole('button', { name: '应缴全部 ¥123.45' }).click();
  await form.getByRole('button', { name: '生成二维码' }).click();
  await page.getByRole('img', { name: '付款二维码' }).waitFor();
  await page.getByRole('button', { name: '沙箱：立即支付' }).click();
  await page.getByRole('status').getByText('已支付 ¥123.45').waitFor();
  await page.locator('dt:text-is("余额") + dd').getByText('¥0.00').waitFor();
  await page.getByRole('button', { name: '收据' }).click();
  await page.getByText('壹佰贰拾叁元肆角伍分').waitFor();
});

test('what cannot be loaded says why, and comes when it is asked for again', async ({ open, world }) => {
  const page = await open('/my/', { as: world.resident, viewport: PHONE, refusals: [429] });
  await page.getByText('20.5 °C').waitFor();
  const body = JSON.stringify({ code: 'degraded', status: 429 });
  await page.route('**/bills?*', (route) => route.fulfill({ status: 429, contentType: 'application/json', body }));
  await tab(page, '账单');
  await page.getByRole('alert').getByText('网关暂时无法处理').waitFor();
  await page.unrouteAll({ behavior: 'wait' });
  await page.getByRole('button', { name: '重试' }).click();
  await page.getByRole('heading', { name: world.bill.period }).waitFor();
});

test.for([
  ['zh', PHONE],
  ['en', PHONE],
  ['zh', SMALL],
  ['en', SMALL],
] as const)('nothing is wider than the telephone (%s, %o)', async ([language, viewport], { open, world }) => {
  const page = await open('/my/', { as: world.resident, language, viewport });
  await page.getByText('20.5 °C').waitFor();
  const shots = process.env['SHOTS'];
  for (const [index, name] of ['home', 'use', 'bills', 'pay'].entries()) {
    await page.getByRole('navigation').getByRole('link').nth(index).click();
    await page.locator('.card').first().waitFor();
    await expect.poll(() => page.getByText(language === 'zh' ? '正在加载' : 'Loading').count()).toBe(0);
    if (name === 'bills') await page.locator('.card button').first().click();
    if (name === 'bills') await page.locator('.lines').first().waitFor();
    expect(await overhang(page)).toBe(0);
    if (shots) await page.screenshot({ path: `${shots}/${name}-${language}-${viewport.width}.png`, fullPage: true });
  }
});
