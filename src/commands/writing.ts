import type { Transaction } from 'kysely';
import type { Caller } from '../areas/scope.ts';
import type { AuditEntry } from '../audit/audit.ts';
import type { Tables } from '../db/schema.ts';
import type { CommandRow } from '../db/schema-commands.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { longestExpiryS } from '../terminals/profile-commands.ts';
import type { Terminal } from '../terminals/registry.ts';
import { auditOfRequest, auditOfStep } from './audited.ts';
import { type Command, type CommandStep, cancelOlder, insertStep, newerOf, nextSequence } from './rows.ts';

/** How a new command comes into the outbox, and whose place it takes. All within the caller's transaction, whose audit is the caller's to record. */

export interface CommandRequest {
  command: string;
  value: string | number;
  reason?: string | undefined;
  expiresInS: number;
  /** `held` waits for a second person. */
  state?: 'queued' | 'held' | undefined;
  policyVersion?: string | undefined;
}

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
    entries.push(auditOfStep({ ...command, value: JSON.stringify(command.value) }, 'cancel', over, { gateway }));
    return [first, over];
  }

  /** Writes one command, and gives it with what the audit has to say. */
  async function write(
    transaction: Transaction<Tables>,
    terminal: Terminal,
    caller: Caller,
    request: CommandRequest,
  ): Promise<{ command: Command; entries: AuditEntry[] }> {
    const { command, value, reason = null, expiresInS, state = 'queued', policyVersion } = request;
    const longest = longestExpiryS(terminal.profile, command, value);
    if (expiresInS > longest) throw new GatewayError('invalid_request', `expiresInS: here ${longest} is the most`);
    const now = clock.now();
    const row: CommandRow = {
      id: newId('cmd'),
      terminalId: terminal.id,
      command,
      value: JSON.stringify(value),
      reason,
      state,
      sequence: await nextSequence(transaction, terminal.id),
      requestedBy: caller.name,
      createdAt: now,
      expiresAt: now + expiresInS * 1_000,
      sentAt: null,
    };
    const first: CommandStep = { state, at: now, cause: 'requested', detail: caller.name };
    await transaction.insertInto('commands').values(row).execute();
    await insertStep(transaction, row.id, first);
    const entries = [auditOfRequest(row, { by: caller.name, policyVersion })];
    if (state === 'queued') entries.push(...(await supersede(transaction, row, caller.name)));
    return { command: { ...row, value, history: [first] }, entries };
  }

  return { write, supersede, giveWay };
}
