import { createHash } from 'node:crypto';
import { GatewayError } from '../../lib/errors.ts';
import type { StatementLine } from './provider.ts';
import { fenOfYuan } from './yuan.ts';

/**
 * The trade bill of WeChat Pay: CSV, every value behind a backtick, and two rows of sums at the end.
 * https://pay.weixin.qq.com/docs/merchant/apis/native-payment/get-trade-bill.html
 */

const COLUMNS = {
  transactionId: '微信订单号',
  orderId: '商户订单号',
  tradeState: '交易状态',
  currency: '货币种类',
  refundId: '商户退款单号',
  refundState: '退款状态',
  fee: '手续费',
  paid: '订单金额',
  refunded: '申请退款金额',
} as const;

const REFUND_STATES: Record<string, StatementLine['state']> = { SUCCESS: 'done', PROCESSING: 'pending' };

const unreadable = (why: string) => new GatewayError('provider_refused', `The statement cannot be read: ${why}`);

const cellsOf = (line: string): string[] => line.replace(/^`/, '').split(',`');

function amountOf(text: string) {
  const fen = fenOfYuan(text);
  if (fen === undefined) throw unreadable(`${text} is no amount`);
  return fen;
}

/** Throws `provider_refused` for what is no bill, or not the one whose hash was told. */
export function readWechatBill(file: Buffer, sha1: string): StatementLine[] {
  if (createHash('sha1').update(file).digest('hex') !== sha1.toLowerCase()) throw unreadable('its hash is another');
  const [header = '', ...rest] = file
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/);
  const names = header.split(',');
  const at = (name: string): number => {
    const index = names.indexOf(name);
    if (index < 0) throw unreadable(`no column ${name}`);
    return index;
  };
  const places = Object.entries(COLUMNS).map(([key, name]) => [key, at(name)] as const);
  // The sums begin with a header of their own, the first row that has no backtick.
  const end = rest.findIndex((line) => !line.startsWith('`'));
  return rest.slice(0, end < 0 ? rest.length : end).map((line) => {
    const cells = cellsOf(line);
    if (cells.length !== names.length) throw unreadable('a row is cut short');
    const row = Object.fromEntries(places.map(([key, index]) => [key, cells[index] ?? '']));
    const { transactionId = '', orderId = '', tradeState, currency, refundId = '', refundState = '' } = row;
    if (currency !== 'CNY') throw unreadable(`currency ${currency}`);
    const isRefund = tradeState === 'REFUND';
    return {
      kind: isRefund ? 'refund' : 'payment',
      orderId,
      refundId: isRefund ? refundId : null,
      transactionId,
      amountFen: amountOf((isRefund ? row['refunded'] : row['paid']) ?? ''),
      feeFen: amountOf(row['fee'] ?? ''),
      state: isRefund ? (REFUND_STATES[refundState] ?? 'failed') : 'done',
    };
  });
}
