import type { SheetLanguage } from './sheet.ts';

/** What codes are called in a file. A code without a word stands for itself. */

const WORDS: Record<string, { zh: string; en: string }> = {
  total: { zh: '合计', en: 'Total' },
  cash: { zh: '现金', en: 'Cash' },
  transfer: { zh: '转账', en: 'Transfer' },
  wechat: { zh: '微信支付', en: 'WeChat Pay' },
  alipay: { zh: '支付宝', en: 'Alipay' },
  sandbox: { zh: '沙箱', en: 'Sandbox' },
  low_balance: { zh: '余额不足提醒', en: 'Low balance' },
  reminder: { zh: '首次催缴', en: 'Reminder' },
  second_reminder: { zh: '再次催缴', en: 'Second reminder' },
  final_notice: { zh: '最后通知', en: 'Final notice' },
  credit_used_up: { zh: '应急额度用完', en: 'Emergency credit used up' },
  switch_off: { zh: '停供', en: 'Switch off' },
  payment: { zh: '收款', en: 'Payment' },
  refund: { zh: '退款', en: 'Refund' },
  other: { zh: '其他', en: 'Other' },
  missing_here: { zh: '渠道有，本系统没有', en: 'The provider has it, we do not' },
  missing_there: { zh: '本系统有，渠道没有', en: 'We have it, the provider does not' },
  amount_differs: { zh: '金额不一致', en: 'Amounts differ' },
  state_differs: { zh: '状态不一致', en: 'States differ' },
  duplicate: { zh: '渠道账单重复', en: 'Twice in the statement' },
  other_merchant: { zh: '商户号不符', en: 'Another merchant' },
  other_app: { zh: '应用号不符', en: 'Another app' },
  other_currency: { zh: '币种不符', en: 'Another currency' },
  unknown_order: { zh: '没有此订单', en: 'No such order' },
  other_amount: { zh: '金额不符', en: 'Another amount' },
  second_payment: { zh: '重复付款', en: 'Paid a second time' },
  other_transaction: { zh: '交易号不符', en: 'Another transaction' },
  refund_before_payment: { zh: '退款先于付款', en: 'Refund before its payment' },
  more_than_paid: { zh: '退款超过付款', en: 'More than was paid' },
  proposal_open: { zh: '待处理', en: 'Open' },
  proposal_accepted: { zh: '已申请停供', en: 'Command asked for' },
  proposal_dismissed: { zh: '已驳回', en: 'Dismissed' },
  proposal_over: { zh: '已缴清', en: 'Paid' },
  difference_open: { zh: '未说明', en: 'Not explained' },
  difference_explained: { zh: '已说明', en: 'Explained' },
  notification_taken: { zh: '已入账', en: 'Taken' },
  notification_held: { zh: '暂存', en: 'Held' },
  notification_resolved: { zh: '已处理', en: 'Resolved' },
  reconciliation_running: { zh: '核对中', en: 'Under way' },
  reconciliation_done: { zh: '已核对', en: 'Compared' },
  reconciliation_failed: { zh: '失败', en: 'Failed' },
};

export const wordsIn =
  (language: SheetLanguage) =>
  (code: string): string =>
    Object.hasOwn(WORDS, code) ? (WORDS[code]?.[language] ?? code) : code;
