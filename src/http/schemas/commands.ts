import { z } from 'zod';
import { RULES, type Rule } from '../../commands/rules.ts';
import { COMMAND_STATES, type CommandState, PURPOSES, STEP_CAUSES, type StepCause } from '../../db/schema-commands.ts';
import { id, pageOf, pageQuery, time } from './common.ts';
import { terminalId } from './terminals.ts';

const commandState = z.enum(COMMAND_STATES);

export type { CommandState };

const stepCause = z.enum(STEP_CAUSES);

export type { StepCause };

export const purpose = z.enum(PURPOSES);

export type { Rule };

/** A rule that a command met, in both languages, with the figures that it was judged by. */
export const reasons = z.array(z.object({ rule: z.enum(RULES), zh: z.string(), en: z.string() }));

export const newCommand = z.strictObject({
  command: z.string().max(41),
  value: z.union([z.string().max(40), z.number()]),
  reason: z.string().max(200).optional(),
  purpose: purpose.optional().describe('`arrears` asks for notices first; `safety` closes at once, and says why'),
  expiresInS: z
    .int()
    .min(1)
    .max(259_200)
    .default(120)
    .describe(
      'Seconds in which it may still be sent: at most 900, or what the profile allows for a terminal that sleeps',
    ),
});

export const command = z.object({
  id,
  terminalId,
  command: z.string(),
  value: z.union([z.string(), z.number()]),
  reason: z.string().nullable(),
  purpose: purpose.nullable(),
  state: commandState,
  sequence: z.int(),
  requestedBy: z.string(),
  createdAt: time,
  expiresAt: time.describe('Until when it may be sent; of a held one, until when it may be approved'),
  policyVersion: z.string().nullable().describe('The policy that it was last judged by'),
  rules: reasons.describe('Why it is held, or was refused'),
  approvedBy: z.string().nullable(),
  deliveryAt: time.nullable().describe('About when a terminal that sleeps wakes and gets it; null for all others'),
  history: z.array(z.object({ state: commandState, at: time, cause: stepCause, detail: z.string().nullable() })),
});
export type Command = z.infer<typeof command>;

export const judgementQuery = z.strictObject({
  command: newCommand.shape.command,
  value: z.string().max(40),
  purpose: purpose.optional(),
  reason: newCommand.shape.reason,
});
export const judgement = z.object({
  decision: z.enum(['allowed', 'held', 'refused']),
  rules: reasons,
  policyVersion: z.string().nullable(),
});
export type Judgement = z.infer<typeof judgement>;

/** What a second person says, and of what: with `policyVersion` and `sequence` it counts only for what they were shown. */
export const decision = z.strictObject({
  reason: z.string().max(200).optional(),
  policyVersion: z.string().max(40).nullable().optional(),
  sequence: z.int().optional(),
});

export const commandPage = pageOf(command);
export const commandQuery = z.strictObject({
  ...pageQuery('cmd'),
  terminalId: terminalId.optional(),
  state: commandState.optional(),
});
