import { z } from 'zod';
import { areaCode, id, timeQuery } from './common.ts';

const format = z.enum(['json', 'csv', 'xlsx']).default('json').describe('The same rows as a file');
const place = { companyId: id.optional(), areaCode: areaCode.optional() };

const span = z.strictObject({ ...place, from: timeQuery, to: timeQuery });
const isSpan = ({ from, to }: z.output<typeof span>): boolean => from < to;
const NO_SPAN = { path: ['to'], message: 'must be after from' };

export const depositReportQuery = span.refine(isSpan, NO_SPAN);
export const takingsQuery = span.extend({ format }).refine(isSpan, NO_SPAN);

const sums = {
  count: z.int(),
  amountFen: z.int(),
  givenBackCount: z.int().describe('Reversals and refunds in this time, also of earlier payments'),
  givenBackFen: z.int(),
};
const taking = z.object({
  companyId: id,
  companyName: z.string(),
  method: z.string(),
  receivedBy: z.string().describe('The clerk, who also gave back; of a provider, the provider'),
  ...sums,
});
export const takings = z.object({ items: z.array(taking), total: z.object(sums) });
export type Takings = z.infer<typeof takings>;

export const arrearsFileQuery = z.strictObject({ ...place, format: z.enum(['csv', 'xlsx']) });
