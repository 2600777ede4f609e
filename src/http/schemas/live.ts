import { z } from 'zod';
import { batch } from './batches.ts';
import { command } from './commands.ts';
import { areaCode, id, pageOf, pageQuery, time } from './common.ts';
import { terminalId, terminalStatus } from './terminals.ts';

export const alarm = z.object({
  id,
  terminalId,
  alarm: z.string().describe('The name of the profile’s alarm, or of the terminal’s event'),
  severity: z.enum(['warning', 'critical']),
  state: z.enum(['open', 'acknowledged', 'closed']),
  openedAt: time,
  acknowledgedAt: time.nullable(),
  acknowledgedBy: z.string().nullable(),
  closedAt: time.nullable(),
  data: z.record(z.string(), z.unknown()).nullable().describe('What the terminal’s event said'),
});
export type Alarm = z.infer<typeof alarm>;
export const alarmPage = pageOf(alarm);
export const alarmQuery = z.strictObject({
  ...pageQuery('alm'),
  state: z.enum(['open', 'acknowledged', 'closed']).optional(),
  terminalId: terminalId.optional(),
});

export const liveQuery = z.strictObject({ terminalId: terminalId.optional(), areaCode: areaCode.optional() });

/** Server-sent events of `/live`: the event's name is `event`, its data the JSON of the rest. */
const liveEvent = z.discriminatedUnion('event', [
  z.object({ event: z.literal('reading'), terminalId, time, values: z.record(z.string(), z.number()) }),
  z.object({ event: z.literal('status'), terminalId, status: terminalStatus }),
  z.object({ event: z.literal('command'), terminalId, command }),
  z.object({ event: z.literal('alarm'), terminalId, alarm }),
  z.object({ event: z.literal('batch'), batch }),
]);
export type LiveEvent = z.infer<typeof liveEvent>;
