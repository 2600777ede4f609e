import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { dayOf, localText } from '../../lib/calendar.ts';
import type { Clock } from '../../lib/clock.ts';
import { newId } from '../../lib/ids.ts';
import { yuanText } from '../../lib/money.ts';

/** The trades of the sandbox: what a payment provider keeps of them, without any money. */

const refund = z.object({
  id: z.string(),
  refundNo: z.string(),
  amountFen: z.int(),
  state: z.enum(['SUCCESS', 'PROCESSING', 'ABNORMAL']),
  at: z.int(),
});
const trade = z.object({
  orderId: z.string(),
  amountFen: z.int(),
  description: z.string(),
  expiresAt: z.int(),
  state: z.enum(['NOTPAY', 'SUCCESS', 'REFUND', 'CLOSED']),
  transactionId: z.string(),
  paidAt: z.int().nullable(),
  paidFen: z.int(),
  refunds: z.array(refund),
});
export type SandboxTrade = z.infer<typeof trade>;
export type SandboxRefund = z.infer<typeof refund>;

const FEE_PER_MILLE = 6;
const LEAST_FEE_PARTS = 500;

/** 0.6 %, rounded to the fen as providers do. */
const feeOf = (amountFen: number): number => Math.floor((amountFen * FEE_PER_MILLE + LEAST_FEE_PARTS) / 1_000);

const BILL_HEADER =
  '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,' +
  '微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注';
const SUMS_HEADER = '总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额';

const money = (fen: number): string => yuanText(BigInt(fen));

/** `file` keeps them over a restart; without one they are in memory. */
export function openSandboxTrades(file: string | undefined, clock: Clock) {
  const known = file && existsSync(file) ? z.array(trade).parse(JSON.parse(readFileSync(file, 'utf8'))) : [];
  const trades = new Map(known.map((one) => [one.orderId, one]));

  function keep(): void {
    if (file === undefined) return;
    writeFileSync(`${file}.new`, JSON.stringify([...trades.values()]), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  return {
    get: (orderId: string): SandboxTrade | undefined => trades.get(orderId),

    /** The same order again is the same trade; undefined when it is another with its number. */
    open(asked: Pick<SandboxTrade, 'orderId' | 'amountFen' | 'description' | 'expiresAt'>): SandboxTrade | undefined {
      const there = trades.get(asked.orderId);
      if (there) return there.amountFen === asked.amountFen && there.state === 'NOTPAY' ? there : undefined;
      const made: SandboxTrade = {
        ...asked,
        state: 'NOTPAY',
        transactionId: `42${newId('s').slice(2)}`,
        paidAt: null,
        paidFen: 0,
        refunds: [],
      };
      trades.set(made.orderId, made);
      keep();
      return made;
    },

    /** Somebody pays; also another amount than was asked, which real providers do not allow. */
    pay(orderId: string, paidFen?: number): SandboxTrade | undefined {
      const found = trades.get(orderId);
      if (found?.state !== 'NOTPAY') return undefined;
      found.state = 'SUCCESS';
      found.paidAt = clock.now();
      found.paidFen = paidFen ?? found.amountFen;
      keep();
      return found;
    },

    close(orderId: string): 'closed' | 'paid' | 'unknown' {
      const found = trades.get(orderId);
      if (!found) return 'unknown';
      if (found.paidAt !== null) return 'paid';
      found.state = 'CLOSED';
      keep();
      return 'closed';
    },

    /** The same number again gives the same refund; undefined when there is not so much to give back. */
    refund(
      transactionId: string,
      asked: { refundNo: string; amountFen: number; state: SandboxRefund['state'] },
    ): { trade: SandboxTrade; refund: SandboxRefund } | undefined {
      const found = [...trades.values()].find((one) => one.transactionId === transactionId && one.paidAt !== null);
      if (!found) return undefined;
      const again = found.refunds.find(({ refundNo }) => refundNo === asked.refundNo);
      if (again) return again.amountFen === asked.amountFen ? { trade: found, refund: again } : undefined;
      const given = found.refunds.reduce((sum, one) => sum + (one.state === 'ABNORMAL' ? 0 : one.amountFen), 0);
      if (given + asked.amountFen > found.paidFen) return undefined;
      const made: SandboxRefund = { id: `50${newId('s').slice(2)}`, ...asked, at: clock.now() };
      found.refunds.push(made);
      if (made.state !== 'ABNORMAL') found.state = 'REFUND';
      keep();
      return { trade: found, refund: made };
    },

    /** What became of refunds that took their time. */
    settleRefunds(orderId: string, state: 'SUCCESS' | 'ABNORMAL'): void {
      for (const one of trades.get(orderId)?.refunds ?? []) if (one.state === 'PROCESSING') one.state = state;
      keep();
    },

    /** The CSV of a day, as WeChat Pay writes it; undefined when nothing was. */
    bill(date: string, { appId, mchId }: { appId: string; mchId: string }): string | undefined {
      const rows: string[][] = [];
      let fees = 0;
      for (const one of trades.values()) {
        const common = [appId, mchId, '', '', one.transactionId, one.orderId, 'sandbox', 'NATIVE'];
        if (one.paidAt !== null && dayOf(one.paidAt) === date) {
          const fee = feeOf(one.paidFen);
          fees += fee;
          const sums = [money(one.paidFen), '0.00', '0', '0', '0.00', '0.00', '', ''];
          const end = [one.description, '', money(fee), '0.60%', money(one.paidFen), '0.00', ''];
          rows.push([localText(one.paidAt), ...common, 'SUCCESS', 'OTHERS', 'CNY', ...sums, ...end]);
        }
        for (const back of one.refunds.filter(({ at }) => dayOf(at) === date)) {
          const fee = -feeOf(back.amountFen);
          fees += fee;
          const sums = ['0.00', '0.00', back.id, back.refundNo, money(back.amountFen), '0.00', 'ORIGINAL', back.state];
          const end = [one.description, '', money(fee), '0.60%', '0.00', money(back.amountFen), ''];
          rows.push([localText(back.at), ...common, 'REFUND', 'OTHERS', 'CNY', ...sums, ...end]);
        }
      }
      if (rows.length === 0) return undefined;
      const ticked = (cells: string[]) => `\`${cells.join(',`')}`;
      const sums = ticked([String(rows.length), '0.00', '0.00', '0.00', money(fees), '0.00', '0.00']);
      return `\uFEFF${[BILL_HEADER, ...rows.map(ticked), SUMS_HEADER, sums].join('\r\n')}\r\n`;
    },
  };
}
export type SandboxTrades = ReturnType<typeof openSandboxTrades>;
