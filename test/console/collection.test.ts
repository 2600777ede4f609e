import type { Page } from 'playwright-core';
import { afterAll, expect, vi } from 'vitest';
import type { PaymentOrder } from '../../src/http/schemas/payment-orders.ts';
import { dayOf } from '../../src/lib/calendar.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newId } from '../../src/lib/ids.ts';
import { deliver, order, startProvider } from '../billing/provider-stage.ts';
import { ADMIN, makeHousehold, signIn, startTestGateway } from '../helpers/gateway.ts';
import { test as consoleTest, PHONE } from './browser.ts';

vi.setConfig({ testTimeout: 60_000 });

/** Paying by QR code, and 对账. The tests set the gateway's clock on by days, as a statement is compared when its day is over. */

const DAY_MS = 86_400_000;
let later = 0;
const clock = { ...systemClock, now: () => Date.now() + later };
const provider = await startProvider(clock);
afterAll(() => provider[Symbol.asyncDispose]());

const test = consoleTest
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern what a fixture needs.
  .extend('gateway', { scope: 'file' }, async ({}, { onCleanup }) => {
    const payments = { wechat: provider.wechat, sandbox: true };
    const gateway = await startTestGateway({ clock, overrides: { payments } });
    onCleanup(() => gateway[Symbol.asyncDispose]());
    return gateway;
  })
  // The first sign-in is too old when the clock was set on.
  .extend('people', async ({ gateway: { origin } }) => makeHousehold({ origin, admin: await signIn(origin, ADMIN) }));

const form = (page: Page) => page.getByRole('form', { name: '扫码缴费' });
const balance = (page: Page, amount: string) => page.locator('dt:text-is("余额") + dd').getByText(amount);
const orders = (page: Page) => page.getByRole('table', { name: '扫码订单' }).locator('tbody').getByRole('row');

test('a resident pays by QR code on a telephone, and sees it at once', async ({
  open,
  people: { resident, household },
}) => {
  const page = await open(`/households/${household.id}`, { as: resident, viewport: PHONE });
  await form(page).getByLabel('缴费金额（元）').fill('123.45');
  await form(page).getByRole('radio', { name: '沙箱' }).check();
  await form(page).getByRole('button', { name: '生成二维码' }).click();
  await page.getByRole('img', { name: '付款二维码' }).waitFor();
  await page.getByText('演示二维码，不会真的扣款').waitFor();
  await page.getByRole('button', { name: '沙箱：立即支付' }).click();
  await page.getByRole('status').getByText('已支付 ¥123.45').waitFor();
  await balance(page, '¥123.45').waitFor();
  await orders(page).getByText('已支付').waitFor();
  await page.getByRole('table', { name: '缴费记录' }).getByText('沙箱').waitFor();
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
});

test('a payment that is told by the provider shows by itself', async ({
  open,
  gateway,
  people: { resident, household },
}) => {
  const page = await open(`/households/${household.id}`, { as: resident });
  await form(page).getByLabel('缴费金额（元）').fill('5');
  await form(page).getByRole('radio', { name: '微信支付' }).check();
  await form(page).getByRole('button', { name: '生成二维码' }).click();
  await page.getByText('请用微信支付扫码').waitFor();
  const { body } = await resident.get<{ items: PaymentOrder[] }>(`/households/${household.id}/payment-orders`);
  const id = body.items[0]?.id ?? '';
  provider.trades.pay(id);
  await deliver(gateway.origin, provider.paymentNotice(id));
  await page.getByRole('status').getByText('已支付 ¥5.00').waitFor();
});

test('an order that nobody wants is closed', async ({ open, people: { resident, household } }) => {
  const page = await open(`/households/${household.id}`, { as: resident });
  await form(page).getByLabel('缴费金额（元）').fill('7');
  await form(page).getByRole('button', { name: '生成二维码' }).click();
  await page.getByRole('button', { name: '关闭订单' }).click();
  await page.getByText('订单已关闭，没有扣款').waitFor();
  await orders(page).getByText('已关闭').waitFor();
});

test('a clerk gives a part back, and not more than is left', async ({
  open,
  gateway,
  people: { clerk, household },
}) => {
  const { body } = await order(clerk, household.id, { amountFen: 1_000 });
  provider.trades.pay(body.id);
  await deliver(gateway.origin, provider.paymentNotice(body.id));
  const page = await open(`/households/${household.id}`, { as: clerk });
  await orders(page).getByRole('button', { name: '退款' }).click();
  const refund = page.getByRole('form', { name: '退款到付款账户' });
  await refund.getByLabel('退款金额（元）').fill('10.01');
  await refund.getByLabel('原因').fill('重复缴费');
  await refund.getByRole('button', { name: '确认退款' }).click();
  await refund.getByText('请输入金额，不超过可退的 ¥10.00').waitFor();
  await refund.getByLabel('退款金额（元）').fill('4');
  await refund.getByRole('button', { name: '确认退款' }).click();
  await orders(page).getByText('已退 ¥4.00').waitFor();
  await balance(page, '¥6.00').waitFor();
});

const waiting = async (origin: string) =>
  /^hearthgate_payment_notifications_held (\d+)$/m.exec(await (await fetch(`${origin}/metrics`)).text())?.[1];

/** Who has seen to it says what was done, and it counts as held no more. */
async function resolvesHeld(page: Page, origin: string): Promise<void> {
  expect(await waiting(origin)).toBe('1');
  const table = page.getByRole('table', { name: '暂存的支付通知' });
  await table.getByRole('button', { name: '处理' }).click();
  const resolve = page.getByRole('form', { name: '处理暂存的通知' });
  await resolve.getByRole('button', { name: '标记为已处理' }).click();
  await resolve.getByText('请输入原因').waitFor();
  await resolve.getByLabel('原因').fill('渠道已原路退款');
  await resolve.getByRole('button', { name: '标记为已处理' }).click();
  await page.getByText('没有暂存的通知').waitFor();
  expect(await waiting(origin)).toBe('0');
  await page.getByText('已处理', { exact: true }).click();
  await table.getByText('渠道已原路退款').first().waitFor();
  await table.getByText('admin').first().waitFor();
}

test('what differs from a statement is listed, and a person explains it', async ({ open, gateway, people }) => {
  const { body } = await order(people.clerk, people.household.id, { amountFen: 300 });
  const trade = provider.trades.pay(body.id);
  await deliver(gateway.origin, provider.paymentNotice(body.id));
  if (trade) trade.paidFen = 299;
  const other = await order(people.clerk, people.household.id, { amountFen: 100 });
  provider.trades.pay(other.body.id);
  await deliver(
    gateway.origin,
    provider.paymentNotice(other.body.id, newId('EV'), { amount: { total: 9, currency: 'CNY' } }),
  );
  const date = dayOf(clock.now());
  later += DAY_MS;
  const admin = await signIn(gateway.origin, ADMIN);
  const page = await open('/reconciliation', { as: admin });
  await page.getByRole('table', { name: '暂存的支付通知' }).getByText('金额不符').waitFor();
  await resolvesHeld(page, gateway.origin);
  const compare = page.getByRole('form', { name: '核对某一天' });
  expect(await compare.getByLabel('日期').inputValue()).toBe(dayOf(Date.now() - DAY_MS));
  await compare.getByLabel('日期').fill(date);
  await compare.getByRole('button', { name: '核对' }).click();
  // The clock may have compared another provider's day by itself.
  await page.getByRole('table', { name: '对账记录' }).getByText('已核对').first().waitFor();
  const rows = page.getByRole('table', { name: '差异' }).locator('tbody').getByRole('row').filter({ hasText: body.id });
  await rows.getByText('金额不一致').waitFor();
  await rows.getByText('¥2.99').waitFor();
  await rows.getByRole('button', { name: '说明' }).click();
  const explain = page.getByRole('form', { name: '说明差异原因' });
  await explain.getByLabel('原因').fill('优惠券抵扣一分');
  await explain.getByRole('button', { name: '保存说明' }).click();
  await expect.poll(() => rows.count()).toBe(0);
  await page.getByText('已说明', { exact: true }).click();
  await rows.getByText('优惠券抵扣一分').waitFor();
});
