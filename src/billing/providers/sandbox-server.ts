import { createHash, type KeyObject, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { localRfc3339 } from '../../lib/calendar.ts';
import type { Clock } from '../../lib/clock.ts';
import { newId } from '../../lib/ids.ts';
import type { SandboxRefund, SandboxTrade, SandboxTrades } from './sandbox-trades.ts';
import { platformHeaders, seal } from './wechat-signing.ts';

/**
 * A payment provider on this machine, without any money: it answers as WeChat Pay does, checks the signatures of requests, and signs its
 * answers and notifications with keys of its own. The demonstration and the tests so go through the client and the checks that real money does.
 */

export interface SandboxKeys {
  mchId: string;
  appId: string;
  /** The key of the merchant, by which requests are checked. */
  merchantKey: KeyObject;
  platform: { serial: string; privateKey: KeyObject };
  apiV3Key: Buffer;
}

export interface Notice {
  headers: Record<string, string>;
  body: string;
}

const MOST_BYTES = 65_536;

const newOrder = z.object({
  appid: z.string(),
  mchid: z.string(),
  description: z.string().min(1).max(127),
  out_trade_no: z.string().regex(/^[\w|*-]{6,32}$/),
  time_expire: z.iso.datetime({ offset: true }),
  notify_url: z.url(),
  amount: z.object({ total: z.int().min(1), currency: z.literal('CNY') }),
});
const newRefund = z.object({
  transaction_id: z.string(),
  out_refund_no: z.string().regex(/^[\w|*@-]{6,64}$/),
  reason: z.string().max(80),
  amount: z.object({ refund: z.int().min(1), total: z.int(), currency: z.literal('CNY') }),
});

interface Reply {
  status: number;
  content?: object | string;
}
const failure = (status: number, code: string): Reply => ({ status, content: { code, message: code } });

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MOST_BYTES) throw new Error('too much');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Listens on 127.0.0.1, on a free port unless one is named. `refundState` is what becomes of a refund at once. */
export async function startSandboxServer(parts: {
  keys: SandboxKeys;
  trades: SandboxTrades;
  clock: Clock;
  port?: number;
  refundState?: () => SandboxRefund['state'];
  /** Sees every request that is rightly signed. */
  onRequest?: (what: string) => void;
}) {
  const { keys, trades, clock, port: wanted = 0, refundState = () => 'SUCCESS' as const, onRequest } = parts;
  const { mchId, appId } = keys;

  /** As the documents of WeChat Pay say it, in code apart from the client's. */
  function isSigned(request: IncomingMessage, body: string): boolean {
    const text = request.headers.authorization ?? '';
    const field = (name: string) => new RegExp(`[ ,]${name}="([^"]*)"`).exec(text)?.[1] ?? '';
    const [timestamp, nonce, signature] = [field('timestamp'), field('nonce_str'), field('signature')];
    const message = [request.method, request.url, timestamp, nonce, body].map((part) => `${part}\n`).join('');
    return (
      text.startsWith('WECHATPAY2-SHA256-RSA2048 ') &&
      field('mchid') === mchId &&
      Math.abs(clock.now() - Number(timestamp) * 1_000) <= 300_000 &&
      verify('RSA-SHA256', Buffer.from(message), keys.merchantKey, Buffer.from(signature, 'base64'))
    );
  }

  const tradeView = (trade: SandboxTrade) => ({
    appid: appId,
    mchid: mchId,
    out_trade_no: trade.orderId,
    trade_state: trade.state,
    trade_state_desc: trade.state,
    ...(trade.paidAt !== null && {
      transaction_id: trade.transactionId,
      trade_type: 'NATIVE',
      bank_type: 'OTHERS',
      attach: '',
      success_time: localRfc3339(trade.paidAt),
      payer: { openid: 'sandbox' },
      amount: { total: trade.paidFen, payer_total: trade.paidFen, currency: 'CNY', payer_currency: 'CNY' },
    }),
  });

  const refundView = (trade: SandboxTrade, refund: SandboxRefund) => ({
    refund_id: refund.id,
    out_refund_no: refund.refundNo,
    transaction_id: trade.transactionId,
    out_trade_no: trade.orderId,
    channel: 'ORIGINAL',
    user_received_account: '支付用户零钱',
    create_time: localRfc3339(refund.at),
    ...(refund.state === 'SUCCESS' && { success_time: localRfc3339(refund.at) }),
    amount: { total: trade.paidFen, refund: refund.amountFen, currency: 'CNY' },
  });

  function create(body: string): Reply {
    const { success, data } = newOrder.safeParse(JSON.parse(body));
    if (!success || data.mchid !== mchId || data.appid !== appId) return failure(400, 'PARAM_ERROR');
    const { out_trade_no: orderId, description, amount } = data;
    const expiresAt = Date.parse(data.time_expire);
    const trade = trades.open({ orderId, description, amountFen: amount.total, expiresAt });
    if (!trade) return failure(400, 'OUT_TRADE_NO_USED');
    return { status: 200, content: { code_url: `weixin://wxpay/bizpayurl?pr=sandbox-${orderId}` } };
  }

  function refund(body: string): Reply {
    const { success, data } = newRefund.safeParse(JSON.parse(body));
    if (!success) return failure(400, 'PARAM_ERROR');
    const { transaction_id: transactionId, out_refund_no: refundNo, amount } = data;
    const made = trades.refund(transactionId, { refundNo, amountFen: amount.refund, state: refundState() });
    if (!made) return failure(403, 'NOT_ENOUGH');
    return { status: 200, content: { ...refundView(made.trade, made.refund), status: made.refund.state } };
  }

  function close(orderId: string): Reply {
    const closed = trades.close(orderId);
    if (closed === 'unknown') return failure(404, 'ORDER_NOT_EXIST');
    return closed === 'paid' ? failure(400, 'ORDERPAID') : { status: 204 };
  }

  function bill(date: string, origin: string): Reply {
    const file = trades.bill(date, keys);
    if (file === undefined) return failure(400, 'NO_STATEMENT_EXIST');
    const hash = createHash('sha1').update(file).digest('hex');
    const url = `${origin}/v3/billdownload/file?token=${date}`;
    return { status: 200, content: { hash_type: 'SHA1', hash_value: hash, download_url: url } };
  }

  function answer(method: string, url: URL, body: string): Reply {
    const [, orderId = '', closing] =
      /^\/v3\/pay\/transactions\/out-trade-no\/([^/]+)(\/close)?$/.exec(url.pathname) ?? [];
    if (orderId && closing && method === 'POST') return close(orderId);
    if (orderId && method === 'GET') {
      const trade = trades.get(orderId);
      return trade ? { status: 200, content: tradeView(trade) } : failure(404, 'ORDER_NOT_EXIST');
    }
    switch (`${method} ${url.pathname}`) {
      case 'POST /v3/pay/transactions/native':
        return create(body);
      case 'POST /v3/refund/domestic/refunds':
        return refund(body);
      case 'GET /v3/bill/tradebill':
        return bill(url.searchParams.get('bill_date') ?? '', url.origin);
      case 'GET /v3/billdownload/file':
        return { status: 200, content: trades.bill(url.searchParams.get('token') ?? '', keys) ?? '' };
      default:
        return failure(404, 'NOT_FOUND');
    }
  }

  function send(response: ServerResponse, { status, content }: Reply): void {
    const body = typeof content === 'string' ? content : content ? JSON.stringify(content) : '';
    response.writeHead(status, {
      'content-type': typeof content === 'string' ? 'text/plain' : 'application/json',
      ...platformHeaders(keys.platform, body, clock.now()),
    });
    response.end(body);
  }

  const server = createServer(async (request, response) => {
    try {
      const body = await textOf(request);
      const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
      if (!isSigned(request, body)) return send(response, failure(401, 'SIGN_ERROR'));
      onRequest?.(`${request.method} ${url.pathname}`);
      send(response, answer(request.method ?? '', url, body));
    } catch {
      send(response, failure(400, 'INVALID_REQUEST'));
    }
  });
  server.listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;

  /** A notification, signed now; what it says may be changed before that, to see who notices. */
  function notice(event: string, type: string, content: object, id: string): Notice {
    const body = JSON.stringify({
      id,
      create_time: localRfc3339(clock.now()),
      resource_type: 'encrypt-resource',
      event_type: event,
      summary: event,
      resource: { original_type: type, ...seal(keys.apiV3Key, JSON.stringify(content), type) },
    });
    const headers = { 'content-type': 'application/json', ...platformHeaders(keys.platform, body, clock.now()) };
    return { headers, body };
  }

  return {
    baseUrl: `http://127.0.0.1:${port}`,

    /** What is told of a trade that was paid. */
    paymentNotice(orderId: string, id = newId('evt'), changed: object = {}): Notice | undefined {
      const trade = trades.get(orderId);
      if (!trade?.paidAt) return undefined;
      return notice(
        'TRANSACTION.SUCCESS',
        'transaction',
        { ...tradeView(trade), trade_state: 'SUCCESS', ...changed },
        id,
      );
    },

    /** What is told of a refund that has come to its end. */
    refundNotice(orderId: string, refundNo: string, id = newId('evt'), changed: object = {}): Notice | undefined {
      const trade = trades.get(orderId);
      const found = trade?.refunds.find((one) => one.refundNo === refundNo);
      if (!trade || !found || found.state === 'PROCESSING') return undefined;
      const content = { mchid: mchId, ...refundView(trade, found), refund_status: found.state, ...changed };
      return notice(`REFUND.${found.state}`, 'refund', content, id);
    },

    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
export type SandboxServer = Awaited<ReturnType<typeof startSandboxServer>>;
