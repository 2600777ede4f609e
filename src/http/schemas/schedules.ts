import { z } from 'zod';
import { RUN_STATES } from '../../db/schema-schedules.ts';
import { selection } from './batches.ts';
import { newCommand, purpose } from './commands.ts';
import { areaCode, id, pageOf, pageQuery, time } from './common.ts';
import { terminalId } from './terminals.ts';

const weekly = z
  .strictObject({
    days: z.array(z.int().min(1).max(7)).min(1).max(7).describe('1 is Monday, 7 Sunday'),
    time: z
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d$/)
      .describe('HH:MM in Asia/Shanghai'),
  })
  .describe('Every week; or give at');
const reason = z.string().trim().min(1).max(200);

export const newSchedule = z.strictObject({
  ...selection,
  command: newCommand.shape.command,
  value: newCommand.shape.value,
  reason,
  purpose: purpose.optional(),
  expiresInS: newCommand.shape.expiresInS,
  at: time.optional().describe('Once'),
  weekly: weekly.optional(),
});
export type NewSchedule = z.input<typeof newSchedule>;
export const scheduleChange = z.strictObject({
  version: z.int().describe('Of the schedule that was seen: 409 `changed_since` when it has another by now'),
  value: newCommand.shape.value.optional(),
  reason: reason.optional(),
  at: time.optional(),
  weekly: weekly.optional(),
  active: z.boolean().optional(),
});

export const schedule = z.object({
  id,
  areaCode: areaCode.nullable(),
  terminalIds: z.array(terminalId).nullable(),
  profile: z.string().nullable(),
  kind: z.string().nullable(),
  command: z.string(),
  value: z.union([z.string(), z.number()]),
  reason: z.string(),
  purpose: purpose.nullable(),
  expiresInS: z.int(),
  at: time.nullable(),
  weekly: weekly.nullable(),
  active: z.boolean(),
  version: z.int().describe('Give it back when you change the schedule'),
  nextAt: time.nullable().describe('Null when it is over'),
  companyId: id.nullable(),
  requestedBy: z.string(),
  createdAt: time,
});
export type ScheduleChange = z.input<typeof scheduleChange>;
export type Schedule = z.infer<typeof schedule>;
export const schedulePage = pageOf(schedule);
export const scheduleQuery = z.strictObject(pageQuery('sch'));

const scheduleRun = z.object({
  id,
  dueAt: time,
  at: time,
  state: z.enum(RUN_STATES).describe('`missed` ones are not made up'),
  batchId: id.nullable(),
  detail: z
    .string()
    .nullable()
    .describe(
      'Of a refused one the code of why; `requester_gone`: who asked for it is no longer a user. `more_missed`: and all after it',
    ),
});
export type ScheduleRun = z.infer<typeof scheduleRun>;
export const scheduleRunPage = pageOf(scheduleRun);
export const scheduleRunQuery = z.strictObject(pageQuery('run'));
