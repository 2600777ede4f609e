import { parse } from 'csv-parse/sync';
import { GatewayError } from '../../lib/errors.ts';
import { unzip } from '../../lib/unzip.ts';
import type { StatementLine } from './provider.ts';
import { fenOfYuan } from './yuan.ts';

/**
 * Alipay's bill of trades: a ZIP with CSV files in GB18030, of which the one with a row for each trade (业务明细) is read.
 * Written from the names of its columns; no file of a live merchant was to be had.
 */

const MOST_BYTES = 268_435_456;
const HEADER = '支付宝交易号';

const unreadable = (why: string) => new GatewayError('provider_refused', `The statement cannot be read: ${why}`);

function magnitude(text: string) {
  const fen = fenOfYuan(text);
  if (fen === undefined) throw unreadable(`${text} is no amount`);
  return fen < 0n ? -fen : fen;
}

/** Throws `provider_refused` for what is no such bill. */
export function readAlipayBill(zip: Buffer): StatementLine[] {
  let files: string[];
  try {
    files = unzip(zip, MOST_BYTES).map((file) => new TextDecoder('gb18030').decode(file));
  } catch {
    throw unreadable('not a ZIP');
  }
  const details = files.find((text) => text.split('\n').some((line) => line.startsWith(HEADER)));
  if (details === undefined) throw unreadable('no file with a row for each trade');
  const lines = details.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'));
  const rows: string[][] = parse(lines.join('\n'), { trim: true, relax_column_count: true });
  const [names = [], ...rest] = rows;
  const cell = (row: string[], name: string): string => {
    const index = names.findIndex((one) => one.startsWith(name));
    if (index < 0) throw unreadable(`no column ${name}`);
    return row[index] ?? '';
  };
  return rest.map((row) => {
    const isRefund = cell(row, '业务类型') === '退款';
    const fee = magnitude(cell(row, '服务费'));
    return {
      kind: isRefund ? 'refund' : 'payment',
      orderId: cell(row, '商户订单号'),
      refundId: isRefund ? cell(row, '退款批次号') : null,
      transactionId: cell(row, HEADER),
      // What goes out may be written with a minus or not.
      amountFen: magnitude(cell(row, '订单金额')),
      feeFen: isRefund ? -fee : fee,
      state: 'done',
    };
  });
}
