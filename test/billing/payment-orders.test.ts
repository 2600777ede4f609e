import { afterAll, describe, expect, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import type { Account, Payment } from '../../src/http/schemas/billing.ts';
import type { PaymentNotification, PaymentOrder } from '../../src/http/schemas/payment-orders.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newSecret } from '../../src/lib/ids.ts';
import { makeHousehold, OTHER_VILLAGE, startTestGateway } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { type Page, send } from '../http/stage.ts';
import { deliver, order, orderOf, refund, startProvider } from './provider-stage.ts';

/** Paying by QR code, from the order to the ledger, with a provider over real HTTP that signs what it says. */

const provider = await startProvider(systemClock);
afterAll(() => provider[Symbol.asyncDispose]());
const gateway = await startTestGateway({ overrides: { payments: { wechat: provider.wechat, sandbox: true } } });
afterAll(() => gateway[Symbol.asyncDispose]());
const { admin, origin } = gateway;

const tell = (id: string, ...changes: [eventId?: string, changed?: object]) =>
  deliver(origin, provider.paymentNotice(id, ...changes));
const balanceOf = async (id: string) => (await admin.get<Account>(`/households/${id}/account`)).body.balanceFen;
const paymentsOf = async (id: string) => (await admin.get<Page<Payment>>(`/households/${id}/payments`)).body.items;
const held = async () =>
  (await admin.get<Page<PaymentNotification>>('/payment-notifications?state=held&limit=500')).body.items;

async function openOrder(amountFen = 12_345) {
  const people = await makeHousehold(gateway);
  const { status, body } = await order(people.resident, people.household.id, { amountFen });
  expect(status).toBe(201);
  return { ...people, id: body.id, householdId: people.household.id, body };
}

async function paidOrder(amountFen = 12_345) {
  const made = await openOrder(amountFen);
  provider.trades.pay(made.id);
  expect((await tell(made.id)).status).toBe(200);
  return made;
}

test('a resident gets a QR code, pays, and the money is in the household’s balance once, with a receipt', async () => {
  const { id, householdId, resident, body } = await openOrder();
  expect(body).toMatchObject({ state: 'open', amountFen: 12_345, provider: 'wechat', refundedFen: 0, paidAt: null });
  expect(body.codeUrl).toMatch(/^weixin:\/\/wxpay\//);
  provider.trades.pay(id);
  expect(await tell(id)).toEqual({ status: 200, text: '{"code":"SUCCESS"}' });
  const paid = await orderOf(resident, id);
  expect(paid).toMatchObject({ state: 'paid', codeUrl: null, note: null });
  expect(await balanceOf(householdId)).toBe(12_345);
  const payments = await paymentsOf(householdId);
  expect(payments).toMatchObject([{ amountFen: 12_345, method: 'wechat', reference: paid.transactionId }]);
});

test('the same request gives the same order, and the provider hears of one', async () => {
  const { household, resident } = await makeHousehold(gateway);
  const key = newSecret();
  const [first, second] = await Promise.all([1, 2].map(() => order(resident, household.id, {}, key)));
  expect(second?.body).toEqual(first?.body);
  expect((await order(resident, household.id, { amountFen: 1 }, key)).body).toMatchObject({
    code: 'idempotency_key_reused',
  });
});

test('an order that the provider did not hear of is made by the same request when it is there again', async () => {
  const port = await freePort();
  const wechat = { ...provider.wechat, baseUrl: `http://127.0.0.1:${port}` };
  await using other = await startTestGateway({ overrides: { payments: { wechat } } });
  const { household, resident } = await makeHousehold(other);
  const key = newSecret();
  expect(await order(resident, household.id, {}, key)).toMatchObject({
    status: 503,
    body: { code: 'provider_unavailable' },
  });
  const { body } = await resident.get<Page<PaymentOrder>>(`/households/${household.id}/payment-orders`);
  expect(body.items).toMatchObject([{ state: 'open', codeUrl: null }]);
  await using late = await startProvider(systemClock, { port, like: provider });
  const { status, body: made } = await order(resident, household.id, {}, key);
  expect([status, made.id]).toEqual([201, body.items[0]?.id]);
  expect(made.codeUrl).toContain(made.id);
  expect(late.requests).toEqual(['POST /v3/pay/transactions/native']);
});

test('a hundred deliveries at once make one posting', async () => {
  const { id, householdId } = await openOrder();
  provider.trades.pay(id);
  const same = provider.paymentNotice(id, 'EV-same');
  const notices = Array.from({ length: 100 }, (_, n) => (n % 2 ? same : provider.paymentNotice(id, `EV-${id}-${n}`)));
  const answers = await Promise.all(notices.map((notice) => deliver(origin, notice)));
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  expect(await balanceOf(householdId)).toBe(12_345);
  expect(await paymentsOf(householdId)).toHaveLength(1);
});

describe('what does not fit is held for people and never credited', () => {
  test.each<[reason: string, changed: object]>([
    ['other_amount', { amount: { total: 12_344, currency: 'CNY' } }],
    ['other_currency', { amount: { total: 12_345, currency: 'HKD' } }],
    ['other_merchant', { mchid: '1900000099' }],
    ['other_app', { appid: 'wx-other' }],
    ['unknown_order', { out_trade_no: 'po_unknown' }],
  ])('%s', async (reason, changed) => {
    const { id, householdId, clerk } = await openOrder();
    provider.trades.pay(id);
    expect((await tell(id, `EV-${id}`, changed)).status).toBe(200);
    expect((await held()).find(({ notificationId }) => notificationId === `EV-${id}`)).toMatchObject({ reason });
    expect(await balanceOf(householdId)).toBe(0);
    expect((await orderOf(admin, id)).state).toBe(reason === 'unknown_order' ? 'open' : 'held');
    const { body } = await clerk.get<Page<PaymentNotification>>('/payment-notifications?state=held');
    expect(body.items).toHaveLength(reason === 'unknown_order' ? 0 : 1);
    // The right one comes after all.
    expect((await tell(id)).status).toBe(200);
    expect(await balanceOf(householdId)).toBe(12_345);
    expect((await orderOf(admin, id)).state).toBe('paid');
  });

  test('a second payment of an order that is paid', async () => {
    const { id, householdId } = await paidOrder();
    await tell(id, `EV-${id}`, { transaction_id: '4299999' });
    const found = (await held()).find(({ orderId }) => orderId === id);
    expect(found).toMatchObject({ reason: 'second_payment', transactionId: '4299999' });
    expect(await balanceOf(householdId)).toBe(12_345);
    expect((await orderOf(admin, id)).state).toBe('paid');
  });

  test('one payment for two orders', async () => {
    const first = await paidOrder();
    const second = await openOrder();
    const { transactionId } = await orderOf(admin, first.id);
    provider.trades.pay(second.id);
    await tell(second.id, `EV-${second.id}`, { transaction_id: transactionId });
    expect((await held()).find(({ orderId }) => orderId === second.id)).toMatchObject({ reason: 'second_payment' });
    expect(await balanceOf(second.householdId)).toBe(0);
  });

  test('and the metrics show how many wait, and how many were forged', async () => {
    await fetch(`${origin}/api/v1/payment-notifications/wechat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    const { text } = await send(origin, 'GET', '/metrics');
    expect(text).toMatch(/^hearthgate_payment_notifications_held [1-9]/m);
    expect(text).toMatch(/^hearthgate_payment_notifications_total\{provider="wechat",state="refused"\} [1-9]/m);
    await eventually(async () => {
      const { body } = await admin.get<Page<{ kind: string }>>('/security-events?kind=forged_notification');
      return body.items.length > 0;
    });
  });
});

test('money that comes after the order was closed is the household’s, and the order says so', async () => {
  const { id, householdId, resident } = await openOrder();
  const closed = await resident.post<PaymentOrder>(`/payment-orders/${id}/close`);
  expect(closed).toMatchObject({ status: 200, body: { state: 'closed', codeUrl: null } });
  const trade = provider.trades.get(id);
  if (trade) trade.state = 'NOTPAY';
  provider.trades.pay(id);
  await tell(id);
  expect(await orderOf(admin, id)).toMatchObject({ state: 'paid', note: 'paid_after_close' });
  expect(await balanceOf(householdId)).toBe(12_345);
  expect((await resident.post(`/payment-orders/${id}/close`)).body.code).toBe('wrong_state');
});

test('an order that was paid a moment ago is not closed but paid', async () => {
  const { id, householdId, resident } = await openOrder();
  provider.trades.pay(id);
  const { body } = await resident.post<PaymentOrder>(`/payment-orders/${id}/close`);
  expect(body.state).toBe('paid');
  await tell(id);
  expect(await balanceOf(householdId)).toBe(12_345);
});

describe('refunds', () => {
  test('go back in parts, and never more than was paid', async () => {
    const { id, householdId, clerk, resident } = await paidOrder(1_000);
    expect((await refund(resident, id, 1)).status).toBe(403);
    expect(await refund(clerk, id, 1_001)).toMatchObject({ status: 409, body: { code: 'not_enough_money' } });
    const key = newSecret();
    const [first] = await Promise.all([refund(clerk, id, 400, key), refund(clerk, id, 400, key)]);
    expect(first?.body).toMatchObject({
      state: 'paid',
      refundedFen: 400,
      refunds: [{ amountFen: 400, state: 'done' }],
    });
    expect(await balanceOf(householdId)).toBe(600);
    expect((await refund(clerk, id, 601)).status).toBe(409);
    expect((await refund(clerk, id, 600)).body).toMatchObject({ state: 'refunded', refundedFen: 1_000 });
    expect(await balanceOf(householdId)).toBe(0);
    expect((await refund(clerk, id, 1)).body).toMatchObject({ code: 'wrong_state' });
  });

  test('at once, each of all the money, succeed once', async () => {
    const { id, householdId, clerk } = await paidOrder(1_000);
    const answers = await Promise.all(Array.from({ length: 10 }, () => refund(clerk, id, 1_000)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(await balanceOf(householdId)).toBe(0);
    expect((await orderOf(admin, id)).refundedFen).toBe(1_000);
  });

  test('that take their time end by their notification, once', async () => {
    const { id, householdId, clerk } = await paidOrder(1_000);
    provider.refundAs('PROCESSING');
    const { body } = await refund(clerk, id, 300);
    provider.refundAs('SUCCESS');
    expect(body).toMatchObject({ state: 'refunding', refundedFen: 0, refunds: [{ state: 'pending' }] });
    expect(await balanceOf(householdId)).toBe(1_000);
    provider.trades.settleRefunds(id, 'SUCCESS');
    const refundNo = body.refunds[0]?.id ?? '';
    const notice = provider.refundNotice(id, refundNo);
    await Promise.all([notice, notice, provider.refundNotice(id, refundNo)].map((one) => deliver(origin, one)));
    expect(await orderOf(admin, id)).toMatchObject({ state: 'paid', refundedFen: 300 });
    expect(await balanceOf(householdId)).toBe(700);
  });

  test('that fail leave the money where it is', async () => {
    const { id, householdId, clerk } = await paidOrder(1_000);
    provider.refundAs('ABNORMAL');
    const { body } = await refund(clerk, id, 300);
    provider.refundAs('SUCCESS');
    expect(body).toMatchObject({ state: 'paid', refundedFen: 0, refunds: [{ state: 'failed' }] });
    expect(await balanceOf(householdId)).toBe(1_000);
  });

  test('that are told before their payment wait for it', async () => {
    const { id, householdId } = await openOrder(1_000);
    const trade = provider.trades.pay(id);
    provider.trades.refund(trade?.transactionId ?? '', { refundNo: `X-${id}`, amountFen: 250, state: 'SUCCESS' });
    expect((await deliver(origin, provider.refundNotice(id, `X-${id}`))).status).toBe(200);
    expect(await balanceOf(householdId)).toBe(0);
    await tell(id);
    expect(await orderOf(admin, id)).toMatchObject({ state: 'paid', refundedFen: 250 });
    expect(await balanceOf(householdId)).toBe(750);
    expect((await held()).filter(({ orderId }) => orderId === id)).toEqual([]);
  });

  test('that together are more than was paid are held', async () => {
    const { id, householdId, clerk } = await paidOrder(1_000);
    const { body } = await refund(clerk, id, 400);
    const changed = { out_refund_no: `X-${id}`, amount: { total: 1_000, refund: 601 } };
    await deliver(origin, provider.refundNotice(id, body.refunds[0]?.id ?? '', `EV-${id}`, changed));
    expect((await held()).find(({ orderId }) => orderId === id)).toMatchObject({ reason: 'more_than_paid' });
    expect(await balanceOf(householdId)).toBe(600);
  });

  test('of another amount than was asked are held', async () => {
    const { id, householdId, clerk } = await paidOrder(1_000);
    provider.refundAs('PROCESSING');
    const { body } = await refund(clerk, id, 300);
    provider.refundAs('SUCCESS');
    provider.trades.settleRefunds(id, 'SUCCESS');
    const refundNo = body.refunds[0]?.id ?? '';
    await deliver(origin, provider.refundNotice(id, refundNo, `EV-${id}`, { amount: { total: 1_000, refund: 999 } }));
    expect((await held()).find(({ orderId }) => orderId === id)).toMatchObject({ reason: 'other_amount' });
    expect(await balanceOf(householdId)).toBe(1_000);
  });
});

test('the sandbox is paid by a button, and its signed notification goes the whole way', async () => {
  const { household, resident, clerk } = await makeHousehold(gateway);
  const { body } = await order(resident, household.id, { provider: 'sandbox', amountFen: 500 });
  const paid = await resident.post<PaymentOrder>(`/payment-orders/${body.id}/sandbox-pay`);
  expect(paid).toMatchObject({ status: 200, body: { state: 'paid', provider: 'sandbox' } });
  expect(await balanceOf(household.id)).toBe(500);
  expect((await resident.post(`/payment-orders/${body.id}/sandbox-pay`)).body.code).toBe('wrong_state');
  expect((await refund(clerk, body.id, 500)).body.state).toBe('refunded');
  const real = await order(resident, household.id);
  expect((await resident.post(`/payment-orders/${real.body.id}/sandbox-pay`)).body.code).toBe('provider_off');
});

test('a provider that is not set up is off, and says so', async () => {
  const { household, resident } = await makeHousehold(gateway);
  expect((await resident.get('/payment-providers')).body).toEqual({
    items: [
      { name: 'wechat', sandbox: false },
      { name: 'sandbox', sandbox: true },
    ],
  });
  expect(await order(resident, household.id, { provider: 'alipay' })).toMatchObject({
    status: 422,
    body: { code: 'provider_off' },
  });
  const { status } = await send(origin, 'POST', '/api/v1/payment-notifications/alipay', {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'a=b',
  });
  expect(status).toBe(404);
});

test('a household has five open orders at most', async () => {
  const { household, resident } = await makeHousehold(gateway);
  for (let n = 0; n < 5; n++) expect((await order(resident, household.id)).status).toBe(201);
  expect((await order(resident, household.id)).body).toMatchObject({ code: 'too_many_requests' });
});

test('orders are for the household’s own people: others find nothing', async () => {
  const { id, clerk } = await paidOrder();
  const theirs = await makeHousehold(gateway, OTHER_VILLAGE);
  for (const api of [theirs.resident, theirs.clerk, theirs.operator]) {
    expect((await api.get(`/payment-orders/${id}`)).status).toBe(404);
  }
  expect((await refund(theirs.clerk, id, 1)).status).toBe(404);
  expect((await refund(clerk, id, 1)).status).toBe(201);
});

describe('the public route', () => {
  const post = (body: string, type = 'application/json', to = origin) =>
    send(to, 'POST', '/api/v1/payment-notifications/wechat', { headers: { 'content-type': type }, body });

  test('takes no large body and no other content', async () => {
    expect((await post('x'.repeat(65_537))).status).toBe(413);
    expect((await post('<a/>', 'application/xml')).status).toBe(415);
    expect((await send(origin, 'POST', '/api/v1/payment-notifications/wechat')).status).toBe(400);
    expect((await post('{}')).text).toBe('{"code":"FAIL","message":"refused"}');
  });

  test('looks at so many forged ones a minute, and any number of true ones', async () => {
    const payments = { wechat: provider.wechat, wrongNotificationsPerMinute: 5 };
    await using other = await startTestGateway({ overrides: { payments } });
    const { household, resident } = await makeHousehold(other);
    const { body } = await order(resident, household.id);
    provider.trades.pay(body.id);
    for (let n = 0; n < 20; n++) {
      expect((await deliver(other.origin, provider.paymentNotice(body.id))).status).toBe(200);
    }
    const statuses = [];
    for (let n = 0; n < 7; n++) statuses.push((await post('{}', undefined, other.origin)).status);
    expect(statuses).toEqual([400, 400, 400, 400, 400, 429, 429]);
  });
});
