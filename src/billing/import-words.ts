import type { FILE_ERRORS, Words } from '../imports/errors.ts';

/** The columns of a file of households, and what can be wrong with a row. */

export const COLUMNS = {
  accountNo: ['户号', '用户编号'],
  name: ['户名', '姓名'],
  areaCode: ['区域代码'],
  address: ['地址'],
  phone: ['电话', '联系电话'],
  vulnerable: ['重点照护'],
  company: ['企业'],
  tariff: ['价目'],
  mode: ['计费方式'],
  since: ['执行日期'],
  heatingBalance: ['期初余额'],
  deposit: ['押金'],
  subsidy: ['补贴余额'],
} as const;
export type Column = keyof typeof COLUMNS;

/** The columns of amounts, and what keeps each. */
export const AMOUNTS = {
  heatingBalance: 'heatingFen',
  deposit: 'depositFen',
  subsidy: 'subsidyFen',
} as const satisfies Partial<Record<Column, string>>;
export const AMOUNT_COLUMNS = ['heatingBalance', 'deposit', 'subsidy'] as const satisfies Column[];

export const MODES: Record<string, 'postpaid' | 'prepaid'> = {
  postpaid: 'postpaid',
  后付费: 'postpaid',
  prepaid: 'prepaid',
  预付费: 'prepaid',
};

export const EXAMPLES: Partial<Record<Column, string>>[] = [
  {
    ...{ accountNo: 'HH-0001', name: '张三', areaCode: '999999', address: '一组 12 号', phone: '13800000000' },
    ...{ vulnerable: '是', heatingBalance: '-120.50', deposit: '1000' },
  },
  {
    accountNo: 'HH-0002',
    name: '李四',
    areaCode: '999999',
    mode: '预付费',
    since: '2026-11-01',
    heatingBalance: '300',
  },
];

export const HOUSEHOLD_ERRORS = {
  bad_account: { zh: '户号只能用字母、数字和横线，最多 40 个字符', en: 'Letters, digits and - only, at most 40' },
  duplicate_account: { zh: '该户号在文件中出现过', en: 'The file has this account number already' },
  account_taken: { zh: '该户号已被使用', en: 'This account number is taken' },
  differs: { zh: '该户已登记，但这一项与登记的不同', en: 'The household exists already and differs here' },
  too_long: { zh: '内容太长', en: 'Too long' },
  unknown_area: { zh: '没有这个区域代码', en: 'There is no such area' },
  unknown_company: { zh: '没有这个企业', en: 'There is no such company' },
  unknown_tariff: { zh: '没有这个价目', en: 'There is no such tariff' },
  bad_flag: { zh: '应填“是”或“否”', en: 'Either yes or no' },
  bad_mode: { zh: '应填“后付费”或“预付费”', en: 'Either postpaid or prepaid' },
  bad_day: { zh: '日期应如 2026-11-01', en: 'A day is like 2026-11-01' },
  bad_amount: { zh: '金额以元为单位，最多两位小数', en: 'An amount in yuan, with at most two decimals' },
  below_zero: { zh: '押金和补贴不能为负', en: 'Neither deposit nor subsidy is below zero' },
  has_entries: {
    zh: '该户已有账目，不能再导入期初余额',
    en: 'The household has entries already, so it cannot begin with a balance',
  },
} as const satisfies Record<string, Words>;
export type HouseholdErrorCode = keyof typeof HOUSEHOLD_ERRORS | keyof typeof FILE_ERRORS;
