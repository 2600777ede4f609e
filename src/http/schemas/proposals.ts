import { z } from 'zod';
import { PROPOSAL_CAUSES, PROPOSAL_STATES } from '../../db/schema-bills.ts';
import { COMMAND_STATES } from '../../db/schema-commands.ts';
import { command, newCommand } from './commands.ts';
import { areaCode, id, pageOf, pageQuery, time } from './common.ts';
import { terminalId } from './terminals.ts';

/** What is proposed about a debt. */
export const proposal = z.object({
  id,
  householdId: id,
  accountNo: z.string(),
  householdName: z.string(),
  areaCode,
  companyId: id,
  kind: z.enum(['switch_off']),
  cause: z.enum(PROPOSAL_CAUSES).nullable().describe('Why it was made'),
  state: z
    .enum(PROPOSAL_STATES)
    .describe(
      '`accepted`: a person asked for a command, whose own state says what became of it; `over`: nothing is owed',
    ),
  owedFen: z.int().describe('When it was made'),
  balanceFen: z.int().describe('Of the household now; below zero it owes'),
  madeAt: time,
  decidedAt: time.nullable(),
  decidedBy: z.string().nullable(),
  reason: z.string().nullable().describe('What the person said who decided'),
  commandId: id.nullable(),
  terminalId: terminalId.nullable(),
  commandState: z.enum(COMMAND_STATES).nullable(),
});
export type Proposal = z.infer<typeof proposal>;
export const proposalPage = pageOf(proposal);

export const proposalFilter = {
  state: z.enum(PROPOSAL_STATES).optional(),
  areaCode: areaCode.optional(),
  companyId: id.optional(),
};
export const proposalQuery = z.strictObject({ ...pageQuery('prop'), ...proposalFilter });

export const acceptance = z.strictObject({
  terminalId,
  command: newCommand.shape.command,
  value: newCommand.shape.value,
  reason: newCommand.shape.reason,
});
export const accepted = z.object({ proposal, command });
export type Accepted = z.infer<typeof accepted>;
