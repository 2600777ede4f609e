import { z } from 'zod';
import { PART_STATES } from '../../health/watch.ts';
import { time } from './common.ts';

export const live = z.object({ status: z.literal('ok') });

export const ready = z.object({
  status: z
    .enum(['ok', 'degraded'])
    .describe('`degraded`, and 503, when the spool, the store, the database, the quarantine or MQTT is'),
  troubles: z.array(z.string()),
  parts: z.array(
    z.object({
      name: z.string(),
      state: z.enum(PART_STATES).describe('`degraded`: it works, and not as it should; `away`: it does not answer'),
      since: time.describe('Since when it is in this state'),
      latencyMs: z.number().nullable().describe('How long its last answer took'),
      detail: z.string().nullable(),
      detailZh: z.string().nullable().describe('The same in Chinese'),
    }),
  ),
});
export type Ready = z.infer<typeof ready>;
