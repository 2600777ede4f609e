/** What accounts, payments and deposits are called. */
export const accounts = {
  payment: {
    list: '缴费记录',
    none: '还没有缴费记录',
    form: '收款',
    amount: '金额（元）',
    amountWrong: '请输入 0.01 到 1,000,000 之间的金额，最多两位小数',
    method: '方式',
    methods: { cash: '现金', transfer: '转账' },
    reference: '凭证号',
    referenceHint: '收据号或转账流水号',
    referenceMissing: '请输入凭证号',
    submit: '确认收款',
    done: '收款成功：{{amount}}，收据号 {{receipt}}',
    another: '再收一笔',
    receipt: '收据号',
    time: '时间',
  },
};
export type Accounts = typeof accounts;
