import { z } from 'zod';
import { BATCH_STATES } from '../../db/schema-batches.ts';
import { COMMAND_STATES } from '../../db/schema-commands.ts';
import { newCommand, purpose, reasons } from './commands.ts';
import { areaCode, id, pageLimit, pageOf, pageQuery, time } from './common.ts';
import { terminalId } from './terminals.ts';

const batchState = z.enum(BATCH_STATES);
export type BatchState = z.infer<typeof batchState>;
const itemState = z.enum(['waiting', ...COMMAND_STATES]);
export type BatchItemState = z.infer<typeof itemState>;
const value = z.union([z.string(), z.number()]);

/** Which terminals: see also `schedules.ts`. */
export const selection = {
  areaCode: areaCode.optional().describe('This area and all below it; or give terminalIds'),
  terminalIds: z.array(terminalId).min(1).max(100_000).optional(),
  profile: z.string().max(40).optional(),
  kind: z
    .enum(['gas_boiler', 'gas_meter', 'heat_pump', 'electric_heater', 'electricity_meter', 'heat_meter'])
    .optional(),
};

export const newBatch = z.strictObject({
  ...selection,
  online: z.boolean().optional().describe('Only those that are online now, or that are not'),
  command: newCommand.shape.command,
  value: newCommand.shape.value,
  reason: z.string().trim().min(1).max(200),
  purpose: purpose.optional(),
  expiresInS: newCommand.shape.expiresInS,
  perCellPerMinute: z.int().min(1).optional().describe('Terminals of one area code in a minute; less than configured'),
  inFlight: z.int().min(1).optional().describe('Commands on their way at once; less than configured'),
  dryRun: z.boolean().default(false).describe('Only says what would happen: 200, and nothing is kept'),
});
export type NewBatch = z.input<typeof newBatch>;

const counts = z.partialRecord(itemState, z.int());

export const batch = z.object({
  id,
  state: batchState,
  via: z.enum(['batch', 'schedule']),
  command: z.string(),
  value,
  reason: z.string(),
  purpose: purpose.nullable(),
  areaCode: areaCode.nullable().describe('What it was asked for; null for a list of terminals'),
  companyId: id.nullable().describe('The company of all its terminals; null when they have several'),
  requestedBy: z.string(),
  createdAt: time,
  expiresAt: time.describe('Until when a held one may be approved'),
  total: z.int(),
  homes: z.int().describe('Households that lose their heat when all goes through'),
  counts: counts.describe('Its terminals by the state of their command; `waiting` have not had their turn'),
  listHash: z.string().describe('What a second person is shown: give it back when you approve'),
  perCellPerMinute: z.int(),
  inFlight: z.int(),
  policyVersion: z.string().nullable(),
  approvedBy: z.string().nullable(),
  approvedAt: time.nullable(),
  history: z.array(z.object({ state: batchState, at: time, by: z.string().nullable(), detail: z.string().nullable() })),
});
export type Batch = z.infer<typeof batch>;

export const batchPreview = z.object({
  dryRun: z.literal(true),
  decision: z.enum(['allowed', 'held', 'refused']),
  total: z.int(),
  homes: z.int(),
  policyVersion: z.string().nullable(),
  byArea: z.array(z.object({ areaCode: areaCode.nullable(), allowed: z.int(), held: z.int(), refused: z.int() })),
  byReason: z
    .array(reasons.element.extend({ decision: z.enum(['held', 'refused']), count: z.int() }))
    .describe('How many terminals each rule holds or refuses; the figures in its words are those of the first'),
});
export type BatchPreview = z.infer<typeof batchPreview>;

/** What a second person says; with `listHash` it counts only for the list that they were shown. */
export const batchDecision = z.strictObject({
  reason: z.string().max(200).optional(),
  listHash: z.string().max(64).optional(),
});

export const batchPage = pageOf(batch);
export const batchQuery = z.strictObject({ ...pageQuery('bat'), state: batchState.optional() });

const batchItem = z.object({
  terminalId,
  areaCode: areaCode.nullable(),
  householdId: id.nullable(),
  state: itemState,
  at: time.nullable().describe('Its turn'),
  commandId: id.nullable(),
  rules: reasons.describe('Why it is held, or was refused'),
});
export type BatchItem = z.infer<typeof batchItem>;
export const batchItemPage = pageOf(batchItem);
export const batchItemQuery = z.strictObject({
  limit: pageLimit,
  cursor: z
    .string()
    .regex(/^\d{1,6}$/)
    .transform(Number)
    .optional()
    .describe('`nextCursor` of the page before'),
  state: itemState.optional(),
});
