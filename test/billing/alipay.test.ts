import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { AlipaySdk } from 'alipay-sdk';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { createAlipay } from '../../src/billing/providers/alipay.ts';
import { readAlipayBill } from '../../src/billing/providers/alipay-bill.ts';
import { signedRequest, verifyForm } from '../../src/billing/providers/alipay-signing.ts';
import { ForgedNotification } from '../../src/billing/providers/provider.ts';
import { heldClock } from '../helpers/clock.ts';
import { tempFolder } from '../helpers/temp.ts';
import { alipayPair, pemOf } from './provider-keys.ts';

/** Alipay's signatures beside its own `alipay-sdk`, and signed by openssl, which knows nothing of either. */

const clock = heldClock();
const { account, app, alipay } = alipayPair();
const provider = createAlipay(account, clock);
const folder = await tempFolder();
afterAll(() => folder[Symbol.asyncDispose]());
const keyFile = join(folder.path, 'alipay.pem');
writeFileSync(keyFile, pemOf(alipay.privateKey));

/** What Alipay's servers do. */
const opensslSign = (text: string): string =>
  execFileSync('openssl', ['dgst', '-sha256', '-sign', keyFile], { input: text }).toString('base64');

const sdkWith = (publicKey: string) =>
  new AlipaySdk({
    appId: account.appId,
    privateKey: pemOf(account.privateKey),
    alipayPublicKey: publicKey,
    keyType: 'PKCS8',
  });
const sdk = sdkWith(pemOf(alipay.publicKey));

const PAID = {
  notify_id: 'ac05099524730693a8b330c5ecf72da9786',
  notify_type: 'trade_status_sync',
  notify_time: '2026-11-24 12:00:00',
  trade_status: 'TRADE_SUCCESS',
  app_id: account.appId,
  seller_id: account.sellerId,
  out_trade_no: 'po_1',
  trade_no: '2026112422001400001',
  total_amount: '123.45',
  gmt_payment: '2026-11-24 11:59:58',
  subject: '供暖缴费 & more=?',
  charset: 'utf-8',
  version: '1.0',
};

function notice(changed: Record<string, string> = {}): Record<string, string> {
  const parameters: Record<string, string> = { ...PAID, ...changed };
  const text = Object.entries(parameters)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  return { ...parameters, sign: opensslSign(text), sign_type: 'RSA2' };
}
const form = (parameters: Record<string, string>) => Buffer.from(new URLSearchParams(parameters).toString());
const verify = (parameters: Record<string, string>) => provider.verifyNotification(form(parameters), {});

test('a notification that openssl signed is read, and Alipay’s own library believes it too', () => {
  expect(sdk.checkNotifySignV2(notice())).toBe(true);
  expect(verify(notice())).toEqual({
    id: PAID.notify_id,
    foreign: null,
    fact: {
      kind: 'payment',
      orderId: 'po_1',
      transactionId: PAID.trade_no,
      amountFen: 12_345n,
      at: Date.parse('2026-11-24T11:59:58+08:00'),
    },
  });
});

test('for any parameters our verdict is that of Alipay’s own library', () => {
  const name = fc.stringMatching(/^[a-z_]{1,12}$/).filter((text) => text !== 'sign' && text !== 'sign_type');
  const parameters = fc.dictionary(name, fc.string({ unit: 'grapheme', minLength: 1 }), { minKeys: 1 });
  fc.assert(
    fc.property(parameters, fc.boolean(), (some, spoiled) => {
      const { sign = '' } = signedRequest(alipay.privateKey, some);
      const [first = ''] = Object.keys(some);
      const sent = { ...some, ...(spoiled && { [first]: `${some[first]}x` }), sign, sign_type: 'RSA2' };
      const ours = () => verifyForm(account.alipayPublicKey, form(sent));
      expect(sdk.checkNotifySignV2(sent)).toBe(!spoiled);
      if (spoiled) expect(ours).toThrow(ForgedNotification);
      else expect(ours()).toEqual(sent);
    }),
    { numRuns: 150 },
  );
});

describe('a notification is refused when somebody changed', () => {
  test.each<[string, () => Record<string, string>]>([
    ['the amount', () => ({ ...notice(), total_amount: '123.46' })],
    ['the order', () => ({ ...notice(), out_trade_no: 'po_2' })],
    ['the seller', () => ({ ...notice(), seller_id: '2088000000000002' })],
    ['a parameter in', () => ({ ...notice(), more: '1' })],
    ['the signature', () => ({ ...notice(), sign: `A${notice()['sign']?.slice(1)}` })],
    ['the signature away', () => ({ ...notice(), sign: '' })],
    ['the kind of signature', () => ({ ...notice(), sign_type: 'RSA' })],
    ['its form', () => notice({ total_amount: 'much' })],
    ['parts of a fen in', () => notice({ total_amount: '123.455' })],
  ])('%s', (_what, make) => {
    expect(() => verify(make())).toThrow(ForgedNotification);
  });

  test('and when a parameter comes twice', () => {
    const twice = Buffer.concat([form(notice()), Buffer.from('&total_amount=1.00')]);
    expect(() => provider.verifyNotification(twice, {})).toThrow('twice');
  });
});

test.each([
  ['another app', { app_id: '2021000000000009' }, 'other_app'],
  ['another seller', { seller_id: '2088000000000009' }, 'other_merchant'],
])('a payment for %s is told apart, though it is signed', (_what, changed, foreign) => {
  expect(verify(notice(changed)).foreign).toBe(foreign);
});

test('a trade that only waits, or is closed, is no payment', () => {
  for (const trade_status of ['WAIT_BUYER_PAY', 'TRADE_CLOSED'])
    expect(verify(notice({ trade_status })).fact).toBeNull();
});

/** A gateway of Alipay that checks requests with the library, and answers with what the test says, signed by openssl. */
async function startGateway(answers: Record<string, object>) {
  const asked: Record<string, string>[] = [];
  const check = sdkWith(pemOf(app.publicKey));
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const parameters = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString('utf8')));
    // A request is signed with its sign_type, which the library tries first.
    if (!check.checkNotifySign(parameters, true)) throw new Error('a request is not signed');
    asked.push(parameters);
    const method = parameters['method'] ?? '';
    const part = JSON.stringify(answers[method] ?? { code: '40004', msg: 'Business Failed', sub_code: 'NONE' });
    response.end(`{"${method.replaceAll('.', '_')}_response":${part},"sign":"${opensslSign(part)}"}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    asked,
    client: createAlipay({ ...account, gatewayUrl: `http://127.0.0.1:${port}/gateway.do` }, clock),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const OK = { code: '10000', msg: 'Success' };

test('orders, questions and refunds go to Alipay as its own library would sign them', async () => {
  await using there = await startGateway({
    'alipay.trade.precreate': { ...OK, out_trade_no: 'po_1', qr_code: 'https://qr.alipay.com/bax03431' },
    'alipay.trade.query': {
      ...OK,
      out_trade_no: 'po_1',
      trade_no: '2026112422001400001',
      trade_status: 'TRADE_SUCCESS',
      total_amount: '123.45',
      send_pay_date: '2026-11-24 11:59:58',
    },
    'alipay.trade.refund': { ...OK, fund_change: 'N' },
    'alipay.trade.fastpay.refund.query': { ...OK, refund_status: 'REFUND_SUCCESS' },
  });
  const { client, asked } = there;
  const intent = { orderId: 'po_1', amountFen: 12_345n, description: '供暖缴费', expiresAt: clock.now() + 60_000 };
  expect(await client.createIntent(intent)).toBe('https://qr.alipay.com/bax03431');
  expect(JSON.parse(asked[0]?.['biz_content'] ?? '')).toMatchObject({ total_amount: '123.45', out_trade_no: 'po_1' });
  expect(await client.queryIntent('po_1')).toMatchObject({ state: 'paid', fact: { amountFen: 12_345n } });
  const refund = { refundId: 'rf_1', orderId: 'po_1', transactionId: '2026', totalFen: 12_345n, reason: 'r' };
  expect(await client.refund({ ...refund, amountFen: 5n })).toEqual({ state: 'done' });
  expect(JSON.parse(asked[2]?.['biz_content'] ?? '')).toMatchObject({ refund_amount: '0.05', out_request_no: 'rf_1' });
  await client.closeIntent('po_1').then(
    () => expect.unreachable(),
    (error) => expect(error.code).toBe('provider_refused'),
  );
});

test('before the code is scanned there is no trade, and nothing to close', async () => {
  const none = { code: '40004', msg: 'Business Failed', sub_code: 'ACQ.TRADE_NOT_EXIST' };
  await using there = await startGateway({ 'alipay.trade.query': none, 'alipay.trade.close': none });
  expect(await there.client.queryIntent('po_1')).toEqual({ state: 'unknown' });
  await there.client.closeIntent('po_1');
});

/** A ZIP with one file, as the specification of the format has it. */
function zipOf(content: Buffer): Buffer {
  const packed = deflateRawSync(content);
  const name = Buffer.from('a.csv');
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(name.length, 26);
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(8, 10);
  entry.writeUInt32LE(packed.length, 20);
  entry.writeUInt32LE(content.length, 24);
  entry.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 10);
  const before = local.length + name.length + packed.length;
  end.writeUInt32LE(before, 16);
  return Buffer.concat([local, name, packed, entry, name, end]);
}

test('a bill of trades is read from its ZIP', () => {
  // 支付宝交易号, 商户订单号, 业务类型, 订单金额（元）, 退款批次号/请求号, 服务费（元）; GB18030, made by iconv.
  const text = [
    '#支付宝业务明细查询',
    '支付宝交易号,商户订单号,业务类型,订单金额（元）,退款批次号/请求号,服务费（元）',
    '2026112422001400001\t,po_1\t,交易,123.45,\t,-0.74',
    '2026112422001400001\t,po_1\t,退款,-23.45,rf_1\t,0.14',
    '#导出时间：[2026年11月25日 11:00:00]',
  ].join('\r\n');
  const gb = execFileSync('iconv', ['-f', 'UTF-8', '-t', 'GB18030'], { input: text });
  expect(readAlipayBill(zipOf(gb))).toEqual([
    {
      kind: 'payment',
      orderId: 'po_1',
      refundId: null,
      transactionId: '2026112422001400001',
      amountFen: 12_345n,
      feeFen: 74n,
      state: 'done',
    },
    {
      kind: 'refund',
      orderId: 'po_1',
      refundId: 'rf_1',
      transactionId: '2026112422001400001',
      amountFen: 2_345n,
      feeFen: -14n,
      state: 'done',
    },
  ]);
  expect(() => readAlipayBill(Buffer.from('no zip'))).toThrow('cannot be read');
});
