import { z } from 'zod';
import { monthDay } from '../../billing/tariff-schema.ts';
import {
  BILL_STATES,
  BILLING_MODES,
  NOTICE_STEPS,
  RUN_KINDS,
  RUN_STATES,
  TROUBLE_KINDS,
} from '../../db/schema-bills.ts';
import { isDay } from '../../lib/calendar.ts';
import { areaCode, bilingual, id, pageOf, pageQuery, time } from './common.ts';
import { terminalId } from './terminals.ts';

const day = z.string().refine(isDay, 'a day such as 2026-11-01');
const period = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'a month such as 2026-11');
const reason = z.string().trim().min(1).max(500);
const quantity = z.string().describe('Exact, as text');
export const givenReason = z.strictObject({ reason });

const billLine = z.object({
  rule: z.enum(['flat', 'tier', 'season_flat', 'season_tier', 'subsidy', 'subsidy_capped']),
  tariff: z.string(),
  version: day.describe('The first day of the version of the tariff'),
  metric: z.string(),
  unit: z.string(),
  from: day,
  to: day,
  band: z.string().nullable(),
  tier: z.int().nullable(),
  tierFrom: quantity.nullable(),
  tierTo: quantity.nullable(),
  countedSince: day.nullable().describe('Since when the tiers count'),
  season: day.nullable().describe('The first day of the heating season'),
  quantity,
  unitPrice: quantity.describe('Yuan for one unit'),
  amountFen: z.int().describe('Rounded once, half a fen up; below zero for a subsidy'),
});
export type BillLine = z.infer<typeof billLine>;

export const bill = z.object({
  id,
  householdId: id,
  accountNo: z.string(),
  householdName: z.string(),
  companyId: id,
  period,
  firstDay: day,
  lastDay: day,
  state: z.enum(BILL_STATES),
  chargeFen: z.int(),
  subsidyFen: z.int(),
  totalFen: z.int().describe('The sum of its lines'),
  postedFen: z
    .int()
    .describe('What its entry in the ledger moved: the difference to what was charged for the period before'),
  doubtfulDays: z.int().describe('Days whose use is estimated or missing'),
  runId: id.nullable(),
  replaces: id.nullable(),
  reason: z.string().nullable(),
  lateFen: z.int().nullable().describe('By how much it would be another if it were made now'),
  madeAt: time,
  madeBy: z.string(),
});
export type Bill = z.infer<typeof bill>;
export const billPage = pageOf(bill);
export const householdBillQuery = z.strictObject(pageQuery('bill'));
export const billQuery = z.strictObject({
  ...pageQuery('bill'),
  companyId: id.optional(),
  period: period.optional(),
  state: z.enum(BILL_STATES).optional(),
  runId: id.optional(),
  late: z.literal('true').optional().describe('Only those that would be others now'),
});

const billedDay = z.object({
  day,
  amount: z.number(),
  quality: z.enum(['measured', 'estimated', 'corrected', 'exchanged', 'reset', 'implausible', 'missing']),
});
export const fullBill = bill.extend({
  lines: z.array(billLine),
  tariffs: z.record(z.string(), bilingual).describe('Names of the tariffs in its lines'),
  usage: z.array(z.object({ terminalId, metric: z.string(), unit: z.string(), days: z.array(billedDay) })),
  replacedBy: id.nullable(),
  before: z
    .object({ id, totalFen: z.int(), differenceFen: z.int() })
    .nullable()
    .describe('The bill that it replaces, and how much more this one is'),
});
export type FullBill = z.infer<typeof fullBill>;

export const newBillingRun = z.strictObject({
  period,
  companyId: id.optional().describe('Admins name it'),
  kind: z
    .enum(RUN_KINDS)
    .default('monthly')
    .describe('rebill: bills that would be others now; daily: prepaid households'),
  dryRun: z.boolean().default(false),
  reason: reason.optional(),
});
export const billingRun = z.object({
  id,
  kind: z.enum(RUN_KINDS),
  companyId: id,
  period,
  through: day,
  dryRun: z.boolean(),
  state: z.enum(RUN_STATES),
  progress: z.number().min(0).max(1),
  requestedBy: z.string(),
  reason: z.string().nullable(),
  createdAt: time,
  finishedAt: time.nullable(),
  households: z.int(),
  seen: z.int(),
  made: z.int(),
  held: z.int(),
  unchanged: z.int(),
  failed: z.int(),
  amountFen: z.int(),
  detail: z.string().nullable(),
});
export type BillingRun = z.infer<typeof billingRun>;
export const billingRunPage = pageOf(billingRun);
export const billingRunQuery = z.strictObject(pageQuery('run'));
export const billingTroublePage = pageOf(
  z.object({
    id,
    householdId: id,
    accountNo: z.string(),
    householdName: z.string(),
    code: z.enum(TROUBLE_KINDS),
    detail: z.string().nullable(),
  }),
);
export type BillingTrouble = z.infer<typeof billingTroublePage>['items'][number];
export const billingTroubleQuery = z.strictObject(pageQuery('trb'));

export const tariffs = z.object({
  items: z.array(
    z.object({
      tariff: z.string(),
      title: bilingual,
      metric: z.string(),
      unit: z.string(),
      source: z.string(),
      versions: z.array(day),
    }),
  ),
});
export const newHouseholdTariff = z.strictObject({
  tariff: z.string().min(1).max(60),
  since: day,
  tierReset: monthDay.optional().describe('The meter’s own day of the year on which tiers by the year begin again'),
});
export const householdTariff = z.object({
  householdId: id,
  metric: z.string(),
  tariff: z.string(),
  since: day,
  tierReset: z.string().nullable(),
  setBy: z.string(),
  setAt: time,
});
export const householdTariffs = z.object({ items: z.array(householdTariff) });
export const billingMode = z.strictObject({
  mode: z.enum(BILLING_MODES),
  since: day,
  emergencyCreditFen: z
    .int()
    .min(0)
    .max(100_000_000)
    .default(0)
    .describe('How far below zero a prepaid balance may fall'),
});

export const newUsageCorrection = z.strictObject({
  metric: z.string().min(1).max(41),
  day,
  amount: z.string().regex(/^\d{1,9}(\.\d{1,3})?$/, 'units, with at most three decimals'),
  reason,
});
export const usageCorrection = newUsageCorrection.extend({
  id,
  terminalId,
  correctedBy: z.string(),
  correctedAt: time,
});

export const newNotice = z.strictObject({ step: z.enum(NOTICE_STEPS) });
export const notice = z.object({
  id,
  householdId: id,
  step: z.enum(NOTICE_STEPS),
  at: time,
  owedFen: z.int(),
  givenBy: z.string(),
  overAt: time.nullable(),
});
export type Notice = z.infer<typeof notice>;
export const noticePage = pageOf(notice);
export const noticeQuery = z.strictObject(pageQuery('note'));

export const arrearsPage = pageOf(
  z.object({
    householdId: id,
    accountNo: z.string(),
    householdName: z.string(),
    areaCode,
    companyId: id,
    owedFen: z.int(),
    notices: z.array(notice),
  }),
).describe('A page may be short before the last one: go on while there is a nextCursor');
export type Owing = z.infer<typeof arrearsPage>['items'][number];
export const arrearsQuery = z.strictObject({
  ...pageQuery('hh'),
  areaCode: areaCode.optional(),
  companyId: id.optional(),
});
