import { z } from 'zod';
import { COMMAND_STATES, type CommandState, STEP_CAUSES, type StepCause } from '../../db/schema-commands.ts';
import { id, pageOf, pageQuery, time } from './common.ts';
import { terminalId } from './terminals.ts';

const commandState = z.enum(COMMAND_STATES);

export type { CommandState };

const stepCause = z.enum(STEP_CAUSES);

export type { StepCause };

export const newCommand = z.strictObject({
  command: z.string().max(41),
  value: z.union([z.string().max(40), z.number()]),
  reason: z.string().max(200).optional(),
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
  state: commandState,
  sequence: z.int(),
  requestedBy: z.string(),
  createdAt: time,
  expiresAt: time,
  deliveryAt: time.nullable().describe('About when a terminal that sleeps wakes and gets it; null for all others'),
  history: z.array(z.object({ state: commandState, at: time, cause: stepCause, detail: z.string().nullable() })),
});
export type Command = z.infer<typeof command>;
export const commandPage = pageOf(command);
export const commandQuery = z.strictObject({
  ...pageQuery('cmd'),
  terminalId: terminalId.optional(),
  state: commandState.optional(),
});
