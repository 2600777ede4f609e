import { z } from 'zod';
import { time } from './common.ts';

export const clockState = z.object({
  gateway: z.string().describe('Of several gateways the one that answers: each has a clock of its own'),
  time: time.describe('What it says'),
  trouble: z
    .enum(['too_early', 'jumped'])
    .nullable()
    .describe('Why nothing is switched off now: it cannot be so early, or somebody set it a moment ago'),
  jumpS: z.number().nullable().describe('By how much it was set last, since the start'),
  sureInS: z.number().describe('So long it has to run evenly from now on'),
});
export type ClockState = z.infer<typeof clockState>;

export const clockTrust = z.strictObject({
  time: time.describe('What a clock of your own says: within a minute of the gateway’s'),
});
