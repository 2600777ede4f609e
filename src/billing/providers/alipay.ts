import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { localText } from '../../lib/calendar.ts';
import type { Clock } from '../../lib/clock.ts';
import { GatewayError } from '../../lib/errors.ts';
import { type Fen, yuanText } from '../../lib/money.ts';
import { readAlipayBill } from './alipay-bill.ts';
import { isSignedText, signedRequest, verifyForm } from './alipay-signing.ts';
import { exchange } from './exchange.ts';
import {
  type Foreign,
  ForgedNotification,
  type IntentState,
  type Notification,
  type PaymentFact,
  type PaymentProvider,
} from './provider.ts';
import { fenOfYuan } from './yuan.ts';

/**
 * Alipay 当面付: a QR code that who pays scans. `alipay.trade.precreate`, `query`, `close` and `refund`, and the notification
 * `trade_status_sync`, as https://opendocs.alipay.com describes them.
 */

export interface AlipayAccount {
  gatewayUrl: string;
  appId: string;
  /** Who gets the money: the 16 digits of the merchant. */
  sellerId: string;
  privateKey: KeyObject;
  alipayPublicKey: KeyObject;
  notifyUrl: string;
}

const MOST_BILL_BYTES = 67_108_864;
const OK = '10000';
const PAID = new Set(['TRADE_SUCCESS', 'TRADE_FINISHED']);

const yuan = z.string().transform((text, context): Fen => {
  const fen = fenOfYuan(text);
  if (fen !== undefined) return fen;
  context.addIssue({ code: 'custom', message: 'no amount' });
  return z.NEVER;
});
/** `2026-11-24 12:00:00` of Asia/Shanghai. */
const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
  .transform((text) => Date.parse(`${text.replace(' ', 'T')}+08:00`));

const notice = z.object({
  notify_id: z.string().min(1).max(128),
  notify_time: time,
  trade_status: z.string(),
  app_id: z.string(),
  seller_id: z.string(),
  out_trade_no: z.string(),
  trade_no: z.string().min(1),
  total_amount: yuan,
  gmt_payment: time.optional(),
});
const answerHead = z.object({ code: z.string(), msg: z.string().optional(), sub_code: z.string().optional() });
type Head = z.infer<typeof answerHead>;
const precreated = z.object({ qr_code: z.string().min(1) });
const trade = z.object({ trade_status: z.string() });
const paidTrade = z.object({
  out_trade_no: z.string(),
  trade_no: z.string().min(1),
  total_amount: yuan,
  send_pay_date: time.optional(),
});
const refunded = z.object({ fund_change: z.string().optional() });
const refundState = z.object({ refund_status: z.string().optional() });
const billUrl = z.object({ bill_download_url: z.url() });

/** The answer's content just as it was signed: what stands between its name and the signature. */
function signedPart(text: string, name: string): string {
  const start = text.indexOf(`"${name}":`);
  const end = text.lastIndexOf('"sign"');
  if (start < 0 || end < start) return '';
  const part = text.slice(start + name.length + 3, end).trim();
  return part.replace(/,$/, '').trim();
}

const NOBODY = new GatewayError('provider_unavailable', 'What answers is not the payment provider');

export function createAlipay(account: AlipayAccount, clock: Clock): PaymentProvider {
  async function ask(method: string, content: object): Promise<{ head: Head; content: unknown }> {
    const parameters = signedRequest(account.privateKey, {
      app_id: account.appId,
      method,
      format: 'JSON',
      charset: 'utf-8',
      sign_type: 'RSA2',
      timestamp: localText(clock.now()),
      version: '1.0',
      ...(method === 'alipay.trade.precreate' && { notify_url: account.notifyUrl }),
      biz_content: JSON.stringify(content),
    });
    const answer = await exchange(clock, account.gatewayUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded;charset=utf-8' },
      body: new URLSearchParams(parameters).toString(),
    });
    const text = answer.body.toString('utf8');
    const part = signedPart(text, `${method.replaceAll('.', '_')}_response`);
    const signature = /"sign"\s*:\s*"([^"]+)"/.exec(text.slice(text.lastIndexOf('"sign"')))?.[1] ?? '';
    if (part === '' || !isSignedText(account.alipayPublicKey, part, signature)) throw NOBODY;
    const read: unknown = JSON.parse(part);
    return { head: answerHead.parse(read), content: read };
  }

  const refusedBy = ({ code, sub_code: sub, msg }: Head): GatewayError =>
    // 20000: the service is not there just now.
    new GatewayError(code === '20000' ? 'provider_unavailable' : 'provider_refused', sub ?? msg ?? code);

  async function askOk<T>(method: string, content: object, schema: z.ZodType<T>): Promise<T> {
    const answer = await ask(method, content);
    if (answer.head.code !== OK) throw refusedBy(answer.head);
    return schema.parse(answer.content);
  }

  async function queryIntent(orderId: string): Promise<IntentState> {
    const { head, content } = await ask('alipay.trade.query', { out_trade_no: orderId });
    // Until somebody scans the code there is no trade.
    if (head.sub_code === 'ACQ.TRADE_NOT_EXIST') return { state: 'unknown' };
    if (head.code !== OK) throw refusedBy(head);
    const { trade_status: status } = trade.parse(content);
    if (!PAID.has(status)) return { state: status === 'TRADE_CLOSED' ? 'closed' : 'open' };
    const found = paidTrade.parse(content);
    return {
      state: 'paid',
      foreign: null,
      fact: {
        kind: 'payment',
        orderId: found.out_trade_no,
        transactionId: found.trade_no,
        amountFen: found.total_amount,
        at: found.send_pay_date ?? clock.now(),
      },
    };
  }

  return {
    name: 'alipay',
    answers: { taken: { type: 'text/plain', body: 'success' }, refused: { type: 'text/plain', body: 'fail' } },
    queryIntent,

    async createIntent({ orderId, amountFen, description, expiresAt }) {
      const { qr_code: code } = await askOk(
        'alipay.trade.precreate',
        {
          out_trade_no: orderId,
          total_amount: yuanText(amountFen),
          subject: description,
          time_expire: localText(expiresAt),
        },
        precreated,
      );
      return code;
    },

    async closeIntent(orderId) {
      const { head } = await ask('alipay.trade.close', { out_trade_no: orderId });
      if (head.code !== OK && head.sub_code !== 'ACQ.TRADE_NOT_EXIST') throw refusedBy(head);
    },

    async refund({ refundId, orderId, transactionId, amountFen, reason }) {
      const { fund_change: changed } = await askOk(
        'alipay.trade.refund',
        {
          trade_no: transactionId,
          refund_amount: yuanText(amountFen),
          refund_reason: reason,
          out_request_no: refundId,
        },
        refunded,
      );
      if (changed === 'Y') return { state: 'done' };
      // Asked once more, or not done yet: only a query tells which.
      const asked = { out_trade_no: orderId, out_request_no: refundId };
      const { refund_status: status } = await askOk('alipay.trade.fastpay.refund.query', asked, refundState);
      return { state: status === 'REFUND_SUCCESS' ? 'done' : 'pending' };
    },

    /** Of refunds it names the sum of all so far, so these are learned by asking and from the statement. */
    verifyNotification(rawBody): Notification {
      const { success, data } = notice.safeParse(verifyForm(account.alipayPublicKey, rawBody));
      if (!success) throw new ForgedNotification('it has not the form of a notification');
      const foreign: Foreign | null =
        data.app_id !== account.appId ? 'other_app' : data.seller_id !== account.sellerId ? 'other_merchant' : null;
      const fact: PaymentFact = {
        kind: 'payment',
        orderId: data.out_trade_no,
        transactionId: data.trade_no,
        amountFen: data.total_amount,
        at: data.gmt_payment ?? data.notify_time,
      };
      return { id: data.notify_id, fact: PAID.has(data.trade_status) ? fact : null, foreign };
    },

    async fetchStatement(date) {
      const asked = { bill_type: 'trade', bill_date: date };
      const { head, content } = await ask('alipay.data.dataservice.bill.downloadurl.query', asked);
      if (head.sub_code === 'isp.bill_not_exist') return [];
      if (head.code !== OK) throw refusedBy(head);
      const url = billUrl.parse(content).bill_download_url;
      const file = await exchange(clock, url, { method: 'GET' }, MOST_BILL_BYTES);
      if (file.status !== 200) throw new GatewayError('provider_unavailable', `HTTP ${file.status}`);
      return readAlipayBill(file.body);
    },
  };
}
