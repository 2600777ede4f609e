import { z } from 'zod';
import { pageLimit, time } from './common.ts';
import { line, terminalId } from './terminals.ts';

const ms = z.number().describe('Milliseconds');

const unit = z.union([z.int(), z.string()]).describe('The number of a Modbus unit, or the printed number of a meter');

const unitState = z.object({
  terminalId,
  unit,
  breaker: z
    .enum(['closed', 'open', 'half_open'])
    .describe('`open`: it does not answer and is tried only now and then; `half_open`: its next try is due'),
  nextTryInMs: ms,
  answerMs: z.object({ median: ms.nullable(), slow: ms.nullable() }).describe('Of its last 32 requests; `slow` is p95'),
  failedShare: z.number().describe('Of its last 32 requests, 0 to 1; exceptions count too'),
  requests: z.int().describe('Since the start'),
  failed: z.int().describe('Since the start'),
  lastAnswerAt: time.nullable(),
  lastError: z.object({ time, text: z.string() }).nullable(),
  leftOut: z.array(z.string()).describe('Reads that the device refuses, left out for a day: table, address, count'),
  texts: z.record(z.string(), z.string()).describe('What it says of itself in letters, by the names of its profile'),
});

const lineState = z.object({
  id: z.string(),
  isUp: z.boolean(),
  trouble: z.string().nullable().describe('Why it is down'),
  waiting: z.int().describe('Requests that wait for their turn'),
  echoes: z.boolean().describe('Its adapter gives every request back'),
  requests: z.int(),
  connects: z.int(),
  noiseBytes: z.int().describe('Bytes that nobody had asked for'),
  late: z.int().describe('Answers that came after their time-out, passed over'),
});

const lineView = lineState.extend({
  isTroubled: z
    .boolean()
    .describe('It is down, or a unit does not answer, or a tenth or more of the last requests failed'),
  units: z
    .object({
      count: z.int(),
      silent: z.int().describe('Whose breaker is not closed'),
      leftOut: z.int().describe('Reads that are left out, of all units'),
      answerMs: z
        .object({ median: ms.nullable(), slow: ms.nullable() })
        .describe('The median of the units’ medians; the `slow` of the slowest'),
      failedShare: z.number().describe('Of the last 32 requests of each, 0 to 1'),
      lastError: z.object({ time, text: z.string() }).nullable(),
    })
    .describe('Those that the caller may see, summed up'),
});
export type LineView = z.infer<typeof lineView>;

export const lineQuery = z.strictObject({
  limit: pageLimit,
  cursor: z.string().max(200).optional().describe('`nextCursor` of the page before'),
  search: z.string().max(60).optional().describe('Part of the id of the line or of one of its terminals'),
  troubled: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('Only lines in trouble, or only the others'),
});
export const lineList = z.object({
  items: z.array(lineView),
  nextCursor: z.string().nullable(),
  totals: z
    .object({ lines: z.int(), troubled: z.int(), units: z.int(), silent: z.int() })
    .describe('Of all lines that the caller may see, whatever was asked for'),
  dialIn: z
    .object({
      ports: z.int(),
      connections: z.int(),
      strangers: z.int().describe('Connections that have not said who they are'),
      accepted: z.int(),
      unknown: z.int().describe('Connections refused for a registration that nobody knows'),
      silent: z.int().describe('Connections refused because they said nothing in time'),
      overLimit: z.int(),
    })
    .nullable()
    .describe('DTUs that dial in, all counts since the start; for admins'),
});
export type LineList = z.infer<typeof lineList>;

const frame = z.object({
  time,
  unit,
  sent: z.string(),
  heard: z.string().describe('Empty when nothing came'),
  tookMs: ms.nullable(),
});
export const lineDetail = lineState.extend({
  units: z.array(unitState).describe('Those that the caller may see'),
  frames: z.array(frame).describe('The last ones in hexadecimal, the newest first'),
});
export type LineDetail = z.infer<typeof lineDetail>;
export const lineId = z.strictObject({ id: z.string().min(1).max(200) });

export const lineChange = z.strictObject({ line: line.describe('All of it: what is left out is as usual again') });
export const changedLine = z.object({
  id: z.string().describe('Its name, another one when it has another address'),
  terminalIds: z.array(terminalId).describe('Those that name it, all changed'),
});
