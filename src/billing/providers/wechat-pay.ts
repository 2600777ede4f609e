import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { localRfc3339 } from '../../lib/calendar.ts';
import type { Clock } from '../../lib/clock.ts';
import { GatewayError } from '../../lib/errors.ts';
import { fromFen, toFen } from '../../lib/money.ts';
import { type Exchanged, exchange } from './exchange.ts';
import {
  type Fact,
  type Foreign,
  ForgedNotification,
  type IntentState,
  type Notification,
  type PaymentProvider,
  type ProviderName,
} from './provider.ts';
import { readWechatBill } from './wechat-bill.ts';
import { authorization, type PlatformKeys, unseal, verifySigned } from './wechat-signing.ts';

/**
 * WeChat Pay API v3, Native: a QR code that who pays scans with the telephone.
 * https://pay.weixin.qq.com/doc/v3/merchant/4012791877
 */

export interface WechatAccount {
  name: ProviderName;
  /** Without a slash at its end. */
  baseUrl: string;
  mchId: string;
  appId: string;
  serialNo: string;
  privateKey: KeyObject;
  apiV3Key: Buffer;
  platformKeys: PlatformKeys;
  /** With public keys, the one in which the platform shall answer; empty with certificates. */
  publicKeyId: string;
  /** Where notifications come; https outside of tests. */
  notifyUrl: string;
}

const MOST_BILL_BYTES = 67_108_864;

const amount = z.object({ total: z.int().nonnegative(), currency: z.string() });
const transaction = z.object({
  appid: z.string(),
  mchid: z.string(),
  out_trade_no: z.string(),
  transaction_id: z.string().min(1),
  success_time: z.iso.datetime({ offset: true }),
  amount,
});
const asked = z.object({ trade_state: z.string() });
const refundNotice = z.object({
  mchid: z.string(),
  out_trade_no: z.string(),
  transaction_id: z.string(),
  out_refund_no: z.string(),
  refund_status: z.string(),
  success_time: z.iso.datetime({ offset: true }).optional(),
  amount: z.object({ total: z.int(), refund: z.int().nonnegative() }),
});
const envelope = z.object({
  id: z.string().min(1).max(64),
  create_time: z.iso.datetime({ offset: true }),
  event_type: z.string(),
  resource: z.object({
    algorithm: z.string(),
    ciphertext: z.string(),
    nonce: z.string(),
    associated_data: z.string().optional(),
  }),
});
const codeUrl = z.object({ code_url: z.string().min(1) });
const refundAnswer = z.object({ status: z.string() });
const billAnswer = z.object({ hash_type: z.literal('SHA1'), hash_value: z.string(), download_url: z.url() });
const refusal = z.object({ code: z.string(), message: z.string().optional() });

/** A trade that was paid, whether or not some of it was given back since. */
const PAID = new Set(['SUCCESS', 'REFUND']);
const OVER = new Set(['CLOSED', 'REVOKED', 'PAYERROR']);
const REFUND_STATES: Record<string, 'pending' | 'done' | 'failed'> = { SUCCESS: 'done', PROCESSING: 'pending' };

function parsed<T>(schema: z.ZodType<T>, body: Buffer): T {
  try {
    return schema.parse(JSON.parse(body.toString('utf8')));
  } catch {
    throw new GatewayError('provider_refused', 'The payment provider answered what cannot be read');
  }
}

export function createWechatPay(account: WechatAccount, clock: Clock): PaymentProvider {
  const { mchId, appId, baseUrl } = account;

  function signedHeaders(method: string, target: string, body: string): Record<string, string> {
    return {
      authorization: authorization(account, { method, target, body, now: clock.now() }),
      accept: 'application/json',
      'user-agent': 'hearthgate',
      ...(body && { 'content-type': 'application/json' }),
      ...(account.publicKeyId && { 'wechatpay-serial': account.publicKeyId }),
    };
  }

  /** An answer that the platform did not sign is none. */
  function checked(answer: Exchanged): Buffer {
    try {
      verifySigned(account.platformKeys, answer.headers, answer.body, clock.now());
    } catch (error) {
      const why = error instanceof Error ? error.message : '';
      throw new GatewayError('provider_unavailable', `What answers is not the payment provider: ${why}`);
    }
    return answer.body;
  }

  function refused({ status, body }: Exchanged): GatewayError {
    const { success, data } = refusal.safeParse(safeJson(body));
    const why = success ? `${data.code} ${data.message ?? ''}`.trim() : `HTTP ${status}`;
    // Its own trouble and too many requests are over after a while; the rest is not.
    return new GatewayError(status >= 500 || status === 429 ? 'provider_unavailable' : 'provider_refused', why);
  }

  async function call(method: string, target: string, content?: object): Promise<Exchanged> {
    const body = content ? JSON.stringify(content) : '';
    const headers = signedHeaders(method, target, body);
    return exchange(clock, `${baseUrl}${target}`, { method, headers, ...(body && { body }) });
  }

  async function callOk(method: string, target: string, content?: object): Promise<Buffer> {
    const answer = await call(method, target, content);
    if (answer.status < 200 || answer.status > 299) throw refused(answer);
    return checked(answer);
  }

  function foreignTo({ mchid, appid, amount: { currency } }: z.infer<typeof transaction>): Foreign | null {
    if (mchid !== mchId) return 'other_merchant';
    if (appid !== appId) return 'other_app';
    return currency === 'CNY' ? null : 'other_currency';
  }

  const paidOf = (found: z.infer<typeof transaction>) => ({
    fact: {
      kind: 'payment' as const,
      orderId: found.out_trade_no,
      transactionId: found.transaction_id,
      amountFen: toFen(found.amount.total),
      at: Date.parse(found.success_time),
    },
    foreign: foreignTo(found),
  });

  const tradePath = (orderId: string) => `/v3/pay/transactions/out-trade-no/${encodeURIComponent(orderId)}`;

  async function queryIntent(orderId: string): Promise<IntentState> {
    const answer = await call('GET', `${tradePath(orderId)}?mchid=${encodeURIComponent(mchId)}`);
    if (answer.status === 404) {
      checked(answer);
      return { state: 'unknown' };
    }
    if (answer.status !== 200) throw refused(answer);
    const body = checked(answer);
    const { trade_state: state } = parsed(asked, body);
    if (PAID.has(state)) return { state: 'paid', ...paidOf(parsed(transaction, body)) };
    return { state: OVER.has(state) ? 'closed' : 'open' };
  }

  function factOf(event: string, at: number, text: string): { fact: Fact | null; foreign: Foreign | null } {
    const content = safeJson(Buffer.from(text));
    if (event === 'TRANSACTION.SUCCESS') return paidOf(transaction.parse(content));
    if (!event.startsWith('REFUND.')) return { fact: null, foreign: null };
    const notice = refundNotice.parse(content);
    const outcome = notice.refund_status === 'SUCCESS' ? 'done' : 'failed';
    const fact: Fact = {
      kind: 'refund',
      orderId: notice.out_trade_no,
      transactionId: notice.transaction_id,
      refundId: notice.out_refund_no,
      amountFen: toFen(notice.amount.refund),
      outcome,
      at: notice.success_time === undefined ? at : Date.parse(notice.success_time),
    };
    return { fact, foreign: notice.mchid === mchId ? null : 'other_merchant' };
  }

  return {
    name: account.name,
    answers: {
      taken: { type: 'application/json', body: '{"code":"SUCCESS"}' },
      refused: { type: 'application/json', body: '{"code":"FAIL","message":"refused"}' },
    },

    async createIntent({ orderId, amountFen, description, expiresAt }) {
      const answer = await callOk('POST', '/v3/pay/transactions/native', {
        appid: appId,
        mchid: mchId,
        description,
        out_trade_no: orderId,
        time_expire: localRfc3339(expiresAt),
        notify_url: account.notifyUrl,
        amount: { total: fromFen(amountFen), currency: 'CNY' },
      });
      return parsed(codeUrl, answer).code_url;
    },

    queryIntent,

    async closeIntent(orderId) {
      await callOk('POST', `${tradePath(orderId)}/close`, { mchid: mchId });
    },

    async refund({ refundId, transactionId, amountFen, totalFen, reason }) {
      const answer = await callOk('POST', '/v3/refund/domestic/refunds', {
        transaction_id: transactionId,
        out_refund_no: refundId,
        reason,
        notify_url: account.notifyUrl,
        amount: { refund: fromFen(amountFen), total: fromFen(totalFen), currency: 'CNY' },
      });
      return { state: REFUND_STATES[parsed(refundAnswer, answer).status] ?? 'failed' };
    },

    verifyNotification(rawBody, headers): Notification {
      verifySigned(account.platformKeys, headers, rawBody, clock.now());
      const { success, data } = envelope.safeParse(safeJson(rawBody));
      if (!success) throw new ForgedNotification('it has not the form of a notification');
      const text = unseal(account.apiV3Key, data.resource);
      try {
        return { id: data.id, ...factOf(data.event_type, Date.parse(data.create_time), text) };
      } catch {
        throw new ForgedNotification('what it holds has not the form of a payment or refund');
      }
    },

    async fetchStatement(date) {
      const target = `/v3/bill/tradebill?bill_date=${date}&bill_type=ALL`;
      const answer = await call('GET', target);
      const body = checked(answer);
      if (answer.status !== 200) {
        const trouble = refused(answer);
        // A day on which nobody paid has no bill.
        if (trouble.message.startsWith('NO_STATEMENT_EXIST')) return [];
        throw trouble;
      }
      const { download_url: url, hash_value: hash } = parsed(billAnswer, body);
      const { pathname, search } = new URL(url);
      const headers = signedHeaders('GET', `${pathname}${search}`, '');
      // Our signature goes to the provider only, wherever the answer points.
      const file = await exchange(clock, `${baseUrl}${pathname}${search}`, { method: 'GET', headers }, MOST_BILL_BYTES);
      if (file.status !== 200) throw refused(file);
      return readWechatBill(file.body, hash);
    },
  };
}

function safeJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
