import type { OwingHousehold } from '../billing/arrears.ts';
import type { DepositStatement } from '../billing/deposit-moves.ts';
import { stateOf } from '../billing/notifications.ts';
import type { ShownProposal } from '../billing/proposals.ts';
import type { DifferenceRow, PaymentNotificationRow, ReconciliationRow } from '../db/schema-orders.ts';
import { localText } from '../lib/calendar.ts';
import { toFen } from '../lib/money.ts';
import { type AccountStatement, movedIn } from './accounts.ts';
import { type Column, type Sheet, type SheetLanguage, sheetOf } from './sheet.ts';
import { type Sums, type Taking, type TakingsBy, totalOf } from './takings.ts';
import { wordsIn } from './words.ts';

/** What the files of money have in their columns. Times are of Asia/Shanghai. */

const fenOrNull = (fen: number | null) => (fen === null ? null : toFen(fen));
const timeOrNull = (time: number | null) => (time === null ? null : localText(time));

type Rows<T> = AsyncIterable<T> | Iterable<T>;

const KEYS: Record<TakingsBy, Column<Taking>> = {
  clerk: ['经办人', 'Received by', ({ receivedBy }) => receivedBy],
  area: ['区域代码', 'Area code', ({ areaCode }) => areaCode],
  day: ['日期', 'Day', ({ date }) => date],
};

const SUMS: Column<Sums>[] = [
  ['收款笔数', 'Payments', ({ count }) => count],
  ['收款（元）', 'Received (yuan)', ({ amountFen }) => amountFen],
  ['退款笔数', 'Given back', ({ givenBackCount }) => givenBackCount],
  ['退款（元）', 'Given back (yuan)', ({ givenBackFen }) => givenBackFen],
  ['净额（元）', 'Net (yuan)', ({ amountFen, givenBackFen }) => amountFen - givenBackFen],
];

/** The last row is the total. */
export function takingsSheet(language: SheetLanguage, by: TakingsBy, takings: Taking[]): Sheet {
  const word = wordsIn(language);
  const nobody = { companyId: '', method: '', receivedBy: '', areaCode: '', date: '' };
  const total: Taking = { ...nobody, companyName: word('total'), ...totalOf(takings) };
  const columns: Column<Taking>[] = [
    ['企业', 'Company', ({ companyName }) => companyName],
    KEYS[by],
    ['方式', 'Method', ({ method }) => word(method)],
    ...SUMS,
  ];
  return sheetOf(language, columns, [...takings, total]);
}

/** The last row is the total. */
export function accountsSheet(language: SheetLanguage, statements: AccountStatement[]): Sheet {
  const word = wordsIn(language);
  // `clearing:wechat`: what it is, and whose.
  const nameOf = (kind: string) => kind.split(':').map((part, at) => word(at === 0 ? `account_${part}` : part));
  const total = {
    companyName: word('total'),
    kind: '',
    side: '',
    openingFen: null,
    closingFen: null,
    ...movedIn(statements),
  };
  const columns: Column<typeof total | AccountStatement>[] = [
    ['企业', 'Company', ({ companyName }) => companyName],
    ['科目', 'Account', ({ kind }) => kind && nameOf(kind).join(' ')],
    ['方向', 'Grows by', ({ side }) => side && word(`side_${side}`)],
    ['期初余额（元）', 'Opening (yuan)', ({ openingFen }) => openingFen],
    ['本期借方（元）', 'Debits (yuan)', ({ debitFen }) => debitFen],
    ['本期贷方（元）', 'Credits (yuan)', ({ creditFen }) => creditFen],
    ['期末余额（元）', 'Closing (yuan)', ({ closingFen }) => closingFen],
  ];
  return sheetOf(language, columns, [...statements, total]);
}

export const depositsSheet = (language: SheetLanguage, statements: DepositStatement[]): Sheet =>
  sheetOf<DepositStatement>(
    language,
    [
      ['企业', 'Company', ({ companyName }) => companyName],
      ['县（代码）', 'County (code)', ({ areaCode }) => areaCode],
      ['期初（元）', 'Opening (yuan)', ({ openingFen }) => openingFen],
      ['收取（元）', 'Received (yuan)', ({ receivedFen }) => receivedFen],
      ['抵扣（元）', 'Offset (yuan)', ({ offsetFen }) => offsetFen],
      ['退还（元）', 'Given back (yuan)', ({ refundedFen }) => refundedFen],
      ['其他（元）', 'Other (yuan)', ({ correctedFen }) => correctedFen],
      ['期末（元）', 'Closing (yuan)', ({ closingFen }) => closingFen],
    ],
    statements,
  );

export function arrearsSheet(language: SheetLanguage, rows: Rows<OwingHousehold>): Sheet {
  const word = wordsIn(language);
  return sheetOf<OwingHousehold>(
    language,
    [
      ['户号', 'Account no.', ({ accountNo }) => accountNo],
      ['住户', 'Household', ({ name }) => name],
      ['区域代码', 'Area code', ({ areaCode }) => areaCode],
      ['欠费（元）', 'Owed (yuan)', ({ owedFen }) => owedFen],
      ['已催缴', 'Told', ({ notices }) => notices.map(({ step }) => word(step)).join(language === 'zh' ? '、' : ', ')],
    ],
    rows,
  );
}

export function proposalsSheet(language: SheetLanguage, rows: Rows<ShownProposal>): Sheet {
  const word = wordsIn(language);
  return sheetOf<ShownProposal>(
    language,
    [
      ['户号', 'Account no.', ({ accountNo }) => accountNo],
      ['住户', 'Household', ({ name }) => name],
      ['区域代码', 'Area code', ({ areaCode }) => areaCode],
      ['提议', 'Proposed', ({ kind }) => word(kind)],
      ['原因', 'Cause', ({ cause }) => cause && word(cause)],
      ['提议时欠费（元）', 'Owed then (yuan)', ({ owedFen }) => toFen(owedFen)],
      ['当前余额（元）', 'Balance now (yuan)', ({ balanceFen }) => balanceFen],
      ['提议时间', 'Since', ({ madeAt }) => localText(madeAt)],
      ['状态', 'State', ({ state }) => word(`proposal_${state}`)],
      ['处理人', 'Decided by', ({ decidedBy }) => decidedBy],
      ['处理时间', 'Decided at', ({ decidedAt }) => timeOrNull(decidedAt)],
      ['说明', 'Reason', ({ reason }) => reason],
    ],
    rows,
  );
}

export function reconciliationsSheet(language: SheetLanguage, rows: Rows<ReconciliationRow>): Sheet {
  const word = wordsIn(language);
  return sheetOf<ReconciliationRow>(
    language,
    [
      ['日期', 'Day', ({ date }) => date],
      ['支付渠道', 'Provider', ({ provider }) => word(provider)],
      ['状态', 'State', ({ state }) => word(`reconciliation_${state}`)],
      ['笔数', 'Lines', ({ lineCount }) => lineCount],
      ['收款（元）', 'Paid (yuan)', ({ paidFen }) => toFen(paidFen)],
      ['退款（元）', 'Refunded (yuan)', ({ refundedFen }) => toFen(refundedFen)],
      ['手续费（元）', 'Fees (yuan)', ({ feeFen }) => toFen(feeFen)],
    ],
    rows,
  );
}

export function differencesSheet(language: SheetLanguage, rows: Rows<DifferenceRow>): Sheet {
  const word = wordsIn(language);
  return sheetOf<DifferenceRow>(
    language,
    [
      ['日期', 'Day', ({ date }) => date],
      ['支付渠道', 'Provider', ({ provider }) => word(provider)],
      ['差异', 'Difference', ({ kind }) => word(kind)],
      ['类型', 'About', ({ about }) => word(about)],
      ['订单', 'Order', ({ orderId }) => orderId],
      ['渠道交易号', 'Transaction', ({ transactionId }) => transactionId],
      ['本系统（元）', 'Ours (yuan)', ({ oursFen }) => fenOrNull(oursFen)],
      ['渠道（元）', 'Theirs (yuan)', ({ theirsFen }) => fenOrNull(theirsFen)],
      ['状态', 'State', ({ state }) => word(`difference_${state}`)],
      ['说明人', 'Explained by', ({ explainedBy }) => explainedBy],
      ['说明时间', 'Explained at', ({ explainedAt }) => timeOrNull(explainedAt)],
      ['说明', 'Explanation', ({ explanation }) => explanation],
    ],
    rows,
  );
}

export function notificationsSheet(language: SheetLanguage, rows: Rows<PaymentNotificationRow>): Sheet {
  const word = wordsIn(language);
  return sheetOf<PaymentNotificationRow>(
    language,
    [
      ['收到时间', 'Received at', ({ receivedAt }) => localText(receivedAt)],
      ['支付渠道', 'Provider', ({ provider }) => word(provider)],
      ['类型', 'About', ({ kind }) => word(kind)],
      ['订单', 'Order', ({ orderId }) => orderId],
      ['渠道交易号', 'Transaction', ({ transactionId }) => transactionId],
      ['金额（元）', 'Amount (yuan)', ({ amountFen }) => fenOrNull(amountFen)],
      ['状态', 'State', (row) => word(`notification_${stateOf(row)}`)],
      ['暂存原因', 'Held because', ({ reason }) => reason && word(reason)],
      ['处理人', 'Resolved by', ({ resolvedBy }) => resolvedBy],
      ['处理时间', 'Resolved at', ({ resolvedAt }) => timeOrNull(resolvedAt)],
      ['处理说明', 'What was done', ({ resolution }) => resolution],
    ],
    rows,
  );
}
