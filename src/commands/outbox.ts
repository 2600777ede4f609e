import type { Transaction } from 'kysely';
import { type Caller, personOf } from '../areas/scope.ts';
import type { Tables } from '../db/schema.ts';
import type { CommandRow, CommandState } from '../db/schema-commands.ts';
import { newId } from '../lib/ids.ts';
import type { Terminal } from '../terminals/registry.ts';
import { effectOf } from './effect.ts';
import type { Judgement, JudgeRequest } from './judge.ts';
import type { Command, CommandStep } from './rows.ts';
import { codesOf } from './rules.ts';

/** A command becomes a row before it is a message. */

/** A request that was judged: how long it may wait to be sent, and, when it is held, for a second person. */
export interface JudgedRequest extends JudgeRequest {
  judgement: Judgement;
  ttlMs: number;
  holdMs: number;
}

const STATE_OF: Record<Judgement['decision'], CommandState> = { allowed: 'queued', held: 'held', refused: 'refused' };

async function nextSequence(transaction: Transaction<Tables>, terminalId: string): Promise<number> {
  const { commandSequence } = await transaction
    .updateTable('terminals')
    .set((row) => ({ commandSequence: row('commandSequence', '+', 1) }))
    .where('id', '=', terminalId)
    .returning('commandSequence')
    .executeTakeFirstOrThrow();
  return commandSequence;
}

/** Writes a command and its first step. */
export async function createCommand(
  transaction: Transaction<Tables>,
  { terminal, caller, request, now }: { terminal: Terminal; caller: Caller; request: JudgedRequest; now: number },
): Promise<Command> {
  const { judgement, ttlMs, holdMs } = request;
  const state = STATE_OF[judgement.decision];
  const row: CommandRow = {
    id: newId('cmd'),
    terminalId: terminal.id,
    command: request.command,
    value: JSON.stringify(request.value),
    reason: request.reason ?? null,
    purpose: request.purpose ?? null,
    state,
    sequence: await nextSequence(transaction, terminal.id),
    requestedBy: caller.name,
    requestedById: personOf(caller),
    createdAt: now,
    expiresAt: now + (state === 'held' ? holdMs : ttlMs),
    ttlMs,
    sentAt: null,
    effect: effectOf(terminal.profile, request.command, request.value) ?? null,
    policyVersion: judgement.policyVersion,
    rules: JSON.stringify(judgement.rules),
    approvedBy: null,
    approvedAt: null,
  };
  const first: CommandStep =
    state === 'refused'
      ? { state, at: now, cause: 'policy', detail: codesOf(judgement.rules) }
      : { state, at: now, cause: 'requested', detail: caller.name };
  await transaction.insertInto('commands').values(row).execute();
  await transaction
    .insertInto('commandSteps')
    .values({ id: newId('stp'), commandId: row.id, ...first })
    .execute();
  return { ...row, value: request.value, rules: judgement.rules, history: [first] };
}
