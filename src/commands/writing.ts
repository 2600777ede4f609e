import type { Transaction } from 'kysely';
import { type Caller, personOf } from '../areas/scope.ts';
import type { AuditEntry } from '../audit/audit.ts';
import type { Tables } from '../db/schema.ts';
import type { CommandRow, CommandState, Via } from '../db/schema-commands.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { longestExpiryS } from '../terminals/profile-commands.ts';
import type { Terminal } from '../terminals/registry.ts';
import { auditOfRequest, auditOfStep } from './audited.ts';
import { effectOf } from './effect.ts';
import type { Judgement, JudgeRequest } from './judge.ts';
import { type Command, type CommandStep, cancelOlder, insertStep, newerOf, nextSequence } from './rows.ts';
import { codesOf } from './rules.ts';

/** How a new command comes into the outbox, and whose place it takes. All within the caller's transaction, whose audit is the caller's to record. */

/** A request that was judged: how long it may wait to be sent, and, when it is held, for a second person. */
export interface JudgedRequest extends JudgeRequest, Partial<Pick<CommandRow, 'approvedBy' | 'approvedAt'>> {
  via: Via;
  judgement: Judgement;
  ttlMs: number;
  holdMs: number;
}

const STATE_OF: Record<Judgement['decision'], CommandState> = { allowed: 'queued', held: 'held', refused: 'refused' };

export function createCommandWriting({ clock, gateway }: { clock: Clock; gateway: string }) {
  /** A newer command takes the place of older ones of its kind that were not sent. */
  async function supersede(
    transaction: Transaction<Tables>,
    row: Pick<CommandRow, 'id' | 'terminalId' | 'command' | 'sequence'>,
    by: string | undefined,
  ): Promise<AuditEntry[]> {
    const cancelled = await cancelOlder(transaction, row, clock.now());
    return cancelled.map((older) =>
      auditOfStep(older, 'cancel', { cause: 'superseded', detail: row.id }, { by, gateway }),
    );
  }

  /** What came back unsent is over when a newer one of its kind was asked for meanwhile. */
  async function giveWay(
    transaction: Transaction<Tables>,
    command: Command,
    first: CommandStep,
    entries: AuditEntry[],
  ): Promise<CommandStep[]> {
    const newer = await newerOf(transaction, command);
    if (newer === undefined) return [first];
    const over = { state: 'cancelled', at: first.at, cause: 'superseded', detail: newer } as const;
    await transaction.updateTable('commands').set({ state: 'cancelled' }).where('id', '=', command.id).execute();
    await insertStep(transaction, command.id, over);
    entries.push(auditOfStep(command, 'cancel', over, { gateway }));
    return [first, over];
  }

  /** Writes one command, and gives it with what the audit has to say. */
  async function write(
    transaction: Transaction<Tables>,
    terminal: Terminal,
    caller: Caller,
    request: JudgedRequest,
  ): Promise<{ command: Command; entries: AuditEntry[] }> {
    const { command, value, judgement, ttlMs, holdMs } = request;
    const { rules, policyVersion } = judgement;
    const longest = longestExpiryS(terminal.profile, command, value);
    if (ttlMs > longest * 1_000)
      throw new GatewayError('invalid_request', {
        zh: `有效期最多 ${longest} 秒`,
        en: `expiresInS: here ${longest} is the most`,
      });
    const state = STATE_OF[judgement.decision];
    const now = clock.now();
    const row: CommandRow = {
      id: newId('cmd'),
      terminalId: terminal.id,
      command,
      value: JSON.stringify(value),
      reason: request.reason ?? null,
      purpose: request.purpose ?? null,
      via: request.via,
      state,
      sequence: await nextSequence(transaction, terminal.id),
      requestedBy: caller.name,
      requestedById: personOf(caller),
      createdAt: now,
      expiresAt: now + (state === 'held' ? holdMs : ttlMs),
      ttlMs,
      sentAt: null,
      effect: effectOf(terminal.profile, command, value) ?? null,
      policyVersion,
      rules: JSON.stringify(rules),
      approvedBy: request.approvedBy ?? null,
      approvedAt: request.approvedAt ?? null,
    };
    const first: CommandStep =
      state === 'refused'
        ? { state, at: now, cause: 'policy', detail: codesOf(rules) }
        : { state, at: now, cause: 'requested', detail: caller.name };
    await transaction.insertInto('commands').values(row).execute();
    await insertStep(transaction, row.id, first);
    const written: Command = { ...row, value, rules, history: [first] };
    const entries = [auditOfRequest(written, caller.name)];
    if (state === 'queued') entries.push(...(await supersede(transaction, written, caller.name)));
    return { command: written, entries };
  }

  return { write, supersede, giveWay };
}
