import { z } from 'zod';
import { SHEET_LANGUAGES } from '../../reports/sheet.ts';
import { TAKINGS_BY } from '../../reports/takings.ts';
import { areaCode, id, timeQuery } from './common.ts';
import { differenceFilter, notificationFilter, reconciliationFilter } from './payment-orders.ts';
import { proposalFilter } from './proposals.ts';

const lang = z.enum(SHEET_LANGUAGES).default('zh').describe('Of a file’s headings and words');
/** `json` where a page shows the report. */
const shown = { format: z.enum(['json', 'csv', 'xlsx']).default('json').describe('The same rows as a file'), lang };
const place = { companyId: id.optional(), areaCode: areaCode.optional() };

const span = z.strictObject({ ...place, from: timeQuery, to: timeQuery, ...shown });
const isSpan = ({ from, to }: { from: number; to: number }): boolean => from < to;
const NO_SPAN = { path: ['to'], message: 'must be after from' };

export const depositReportQuery = span.refine(isSpan, NO_SPAN);
export const takingsQuery = span
  .extend({
    by: z.enum(TAKINGS_BY).default('clerk').describe('What there is a line for, beside company and method'),
    method: z.string().min(1).max(20).optional().describe('`cash`, `transfer`, or a provider'),
    receivedBy: z.string().min(1).max(100).optional(),
  })
  .refine(isSpan, NO_SPAN);

export const accountsQuery = z
  .strictObject({ companyId: id.optional(), from: timeQuery, to: timeQuery, ...shown })
  .refine(isSpan, NO_SPAN);

const accountStatement = z.object({
  companyId: id,
  companyName: z.string(),
  kind: z
    .string()
    .describe('`cash`, `bank`, `clearing:…` of a provider, … or `heating`, `deposit`, `subsidy` of all households'),
  side: z.enum(['debit', 'credit']).describe('On which it grows: opening and closing are above zero there'),
  openingFen: z.int(),
  debitFen: z.int(),
  creditFen: z.int(),
  closingFen: z.int(),
});
export type AccountStatement = z.infer<typeof accountStatement>;
export const accountReport = z.object({
  items: z.array(accountStatement),
  total: z.object({ debitFen: z.int(), creditFen: z.int() }).describe('Equal, as each transfer is'),
});
export type AccountReport = z.infer<typeof accountReport>;

const sums = {
  count: z.int(),
  amountFen: z.int(),
  givenBackCount: z.int().describe('Reversals, refunds and deposits given back in this time, also of earlier payments'),
  givenBackFen: z.int(),
};
const taking = z.object({
  companyId: id,
  companyName: z.string(),
  method: z.string(),
  receivedBy: z
    .string()
    .nullable()
    .describe('With `by=clerk`: who took it, or gave it back; of a provider, the provider'),
  areaCode: z.string().nullable().describe('With `by=area`: of the household'),
  date: z.string().nullable().describe('With `by=day`: in Asia/Shanghai'),
  ...sums,
});
export type Taking = z.infer<typeof taking>;
export const takings = z.object({ items: z.array(taking), total: z.object(sums) });
export type Takings = z.infer<typeof takings>;

/** The filters are those of the list that it is a file of. */
const fileOf = <T extends z.ZodRawShape>(filter: T) =>
  z.strictObject({ ...filter, format: z.enum(['csv', 'xlsx']), lang });

export const arrearsFileQuery = fileOf(place);
export const proposalFileQuery = fileOf(proposalFilter);
export const differenceFileQuery = fileOf(differenceFilter);
export const notificationFileQuery = fileOf(notificationFilter);
export const reconciliationFileQuery = fileOf(reconciliationFilter);
