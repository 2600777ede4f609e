import { z } from 'zod';
import { durationMs } from '../../lib/calendar.ts';
import { AGGREGATES } from '../../readings/store.ts';
import { REJECT_REASONS } from '../../terminals/decode.ts';
import { areaCode, id, pageLimit, pageOf, pageQuery, time, timeQuery } from './common.ts';
import { terminalId } from './terminals.ts';

const every = z
  .string()
  .transform((text, context) => {
    const ms = durationMs(text);
    if (ms === undefined) context.addIssue('a whole number of s, m, h or d, such as 15m');
    return ms ?? z.NEVER;
  })
  .describe('Window length, such as 15m, 1h or 1d; days begin at midnight in Asia/Shanghai');

const aggregate = z.enum(AGGREGATES);

export const readingsQuery = z.strictObject({
  metric: z.string().max(41),
  from: timeQuery,
  to: timeQuery,
  every: every.optional(),
  aggregate: aggregate.optional(),
});
/** An empty window is null; a raw value never is. */
const points = z.array(z.object({ time, value: z.number().nullable() }));
export const readings = z.object({
  metric: z.string(),
  unit: z.string(),
  points,
});
export type Readings = z.infer<typeof readings>;

const terminalIds = z
  .string()
  .transform((text) => [...new Set(text.split(','))])
  .pipe(z.array(terminalId).min(1).max(50))
  .describe('Ids of at most 50 terminals, with commas between');
export const manyReadingsQuery = readingsQuery.extend({ terminalIds });
export const manyReadings = z.object({
  metric: z.string(),
  unit: z.string(),
  series: z.array(z.object({ terminalId, points })),
});
export type ManyReadings = z.infer<typeof manyReadings>;

export const areaReadingsQuery = readingsQuery.extend({ every, aggregate: aggregate.default('mean') });
const together = z.number().nullable();
export const areaReadings = z.object({
  metric: z.string(),
  unit: z.string(),
  terminals: z.int().describe('How many terminals of the area have the metric'),
  points: z.array(
    z.object({
      time,
      terminals: z.int().describe('How many of them have readings in the window'),
      sum: together,
      mean: together,
      min: together,
      max: together,
    }),
  ),
});
export type AreaReadings = z.infer<typeof areaReadings>;

export const exportQuery = z.strictObject({
  terminalIds: terminalIds.optional(),
  areaCode: areaCode.optional(),
  metric: z.string().max(41).optional().describe('All metrics without it'),
  from: timeQuery,
  to: timeQuery,
});

export const usageQuery = z.strictObject({ from: timeQuery, to: timeQuery, every: every.prefault('1d') });
export const terminalUsageQuery = usageQuery.extend({
  metric: z.string().max(41).optional().describe('Which counter; the first of the profile by default'),
});
const use = z.object({
  from: time,
  to: time,
  amount: z.number().nullable().describe('null where no counter reading covers the window'),
  quality: z
    .enum(['missing', 'measured', 'estimated', 'corrected', 'exchanged', 'reset', 'implausible'])
    .describe(
      'missing: no data; estimated: spread over a gap; corrected: the counter fell a little, which counts nothing; ' +
        'exchanged: another meter, as was recorded; reset: the counter began again near zero; ' +
        'implausible: the counter jumped, which counts nothing',
    ),
});
export const usage = z.array(use);
export type Usage = z.infer<typeof usage>;

const count = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
const exchangeFields = { metric: z.string().max(41), lastValue: count, firstValue: count };
export const newMeterExchange = z.strictObject({
  ...exchangeFields,
  at: time.transform((text) => Date.parse(text)),
  reason: z.string().trim().max(200).optional(),
});
export const meterExchange = z.object({
  id,
  terminalId,
  ...exchangeFields,
  at: time,
  reason: z.string().nullable(),
  recordedBy: z.string(),
  recordedAt: time,
});
export type MeterExchange = z.infer<typeof meterExchange>;
export const meterExchangePage = pageOf(meterExchange);
export const meterExchangeQuery = z.strictObject(pageQuery('mex'));

/** In queries any word is taken: data that older versions refused stays findable. */
const reason = z.enum(REJECT_REASONS);
const quarantineFilter = { terminalId: terminalId.optional(), reason: reason.optional() };
export const quarantineQuery = z.strictObject({ ...pageQuery('q'), ...quarantineFilter });
export const quarantineCountQuery = z.strictObject({ limit: pageLimit, ...quarantineFilter });
export const quarantinePurgeQuery = z.strictObject({ before: timeQuery, terminalId: terminalId.optional() });
export const purged = z.object({ deleted: z.int() });
export const requeueRequest = z.strictObject({ ...quarantineFilter, profile: z.string().max(40).optional() });
export const requeued = z.object({
  requeued: z.int().describe('Messages of which nothing is refused any longer'),
  stillRefused: z.int().describe('Messages of which something still is'),
});
export type Requeued = z.infer<typeof requeued>;
const quarantineCount = z.object({
  terminalId,
  reason: z.string(),
  metric: z.string().nullable(),
  count: z.int(),
  firstAt: time,
  lastAt: time,
});
export type QuarantineCount = z.infer<typeof quarantineCount>;
export const quarantineCounts = z.object({ items: z.array(quarantineCount) });
const quarantined = z.object({
  id: z.string(),
  terminalId,
  receivedAt: time,
  reason: z.string(),
  metric: z.string().nullable(),
  detail: z.string(),
  frame: z
    .string()
    .describe('The message as it came; whole with its first refused value, at most 2,000 characters with the others'),
});
export type Quarantined = z.infer<typeof quarantined>;
export const quarantinePage = pageOf(quarantined);
