import type { Transaction } from 'kysely';
import type { Database, DatabaseOrTransaction } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';
import type { CommandRow, CommandState, CommandStepRow } from '../db/schema-commands.ts';
import { newId } from '../lib/ids.ts';
import type { Reason } from './rules.ts';

/** Commands as they lie in the database. */

export type CommandStep = Pick<CommandStepRow, 'state' | 'at' | 'cause' | 'detail'>;
export type Command = Omit<CommandRow, 'value' | 'rules'> & {
  value: string | number;
  rules: Reason[];
  history: CommandStep[];
};

const UNSENT: CommandState[] = ['held', 'queued'];
/** Those that are, or were, on their way to the terminal. */
const GIVEN: CommandState[] = ['queued', 'sent', 'acknowledged', 'confirmed', 'rejected', 'timed_out'];

export async function withHistory(db: DatabaseOrTransaction, rows: CommandRow[]): Promise<Command[]> {
  const ids = rows.map((row) => row.id);
  const steps = ids.length
    ? await db.selectFrom('commandSteps').selectAll().where('commandId', 'in', ids).orderBy('n').orderBy('id').execute()
    : [];
  const byCommand = Map.groupBy(steps, (step) => step.commandId);
  return rows.map((row) => ({
    ...row,
    value: JSON.parse(row.value) as string | number,
    rules: JSON.parse(row.rules) as Reason[],
    history: (byCommand.get(row.id) ?? []).map(({ state, at, cause, detail }) => ({ state, at, cause, detail })),
  }));
}

/** Commands that something can still happen to; of those that timed out, the ones sent since. */
export async function unfinished(db: Database, since: number): Promise<Command[]> {
  const states: CommandState[] = ['held', 'queued', 'sent', 'acknowledged', 'timed_out'];
  const rows = await db
    .selectFrom('commands')
    .selectAll()
    .where('state', 'in', states)
    .where((row) => row.or([row('state', '!=', 'timed_out'), row('sentAt', '>', since)]))
    .where((row) => {
      // One of its kind that was sent later makes a time-out final.
      const newer = row
        .selectFrom('commands as newer')
        .select('newer.id')
        .whereRef('newer.terminalId', '=', 'commands.terminalId')
        .whereRef('newer.command', '=', 'commands.command')
        .whereRef('newer.sequence', '>', 'commands.sequence')
        .where('newer.sentAt', 'is not', null);
      return row.or([row('state', '!=', 'timed_out'), row.not(row.exists(newer))]);
    })
    .orderBy('sequence')
    .execute();
  return withHistory(db, rows);
}

/** Those for arrears that a household has waiting. */
export async function waitingForArrears(db: Database, householdId: string): Promise<Command[]> {
  const rows = await db
    .selectFrom('commands')
    .innerJoin('terminals', 'terminals.id', 'commands.terminalId')
    .selectAll('commands')
    .where('terminals.householdId', '=', householdId)
    .where('commands.purpose', '=', 'arrears')
    .where('commands.state', 'in', ['held', 'queued'])
    .execute();
  return withHistory(db, rows);
}

/** Gives the terminal's next sequence. Its row is held until the end of the transaction, so that of several gateways one at a time goes on. */
export async function nextSequence(transaction: Transaction<Tables>, terminalId: string): Promise<number> {
  const { commandSequence } = await transaction
    .updateTable('terminals')
    .set((row) => ({ commandSequence: row('commandSequence', '+', 1) }))
    .where('id', '=', terminalId)
    .returning('commandSequence')
    .executeTakeFirstOrThrow();
  return commandSequence;
}

/** Holds the terminal's row as `nextSequence` does. */
export async function holdTerminal(transaction: Transaction<Tables>, terminalId: string): Promise<void> {
  await transaction
    .updateTable('terminals')
    .set((row) => ({ commandSequence: row.ref('commandSequence') }))
    .where('id', '=', terminalId)
    .execute();
}

/** Whether a terminal's command may be sent now, by the rows: none is under way, and none waits before it. Holds the terminal's row. */
export async function isNext(
  transaction: Transaction<Tables>,
  { id, terminalId, sequence }: Command,
): Promise<boolean> {
  await holdTerminal(transaction, terminalId);
  const before = await transaction
    .selectFrom('commands')
    .select('id')
    .where('terminalId', '=', terminalId)
    .where('id', '!=', id)
    .where((row) =>
      row.or([
        row('state', 'in', ['sent', 'acknowledged'] as const),
        row.and([row('state', '=', 'queued'), row('sequence', '<', sequence)]),
      ]),
    )
    .limit(1)
    .executeTakeFirst();
  return before === undefined;
}

export async function insertStep(
  transaction: Transaction<Tables>,
  commandId: string,
  step: CommandStep,
): Promise<void> {
  await transaction
    .insertInto('commandSteps')
    .values((row) => ({
      id: newId('stp'),
      commandId,
      n: row
        .selectFrom('commandSteps')
        .select((steps) => steps(steps.fn.countAll<number>(), '+', 1).as('n'))
        .where('commandId', '=', commandId),
      ...step,
    }))
    .execute();
}

/** Cancels older commands of the same kind that were not sent; gives them. The terminal's row must be held. */
export async function cancelOlder(
  transaction: Transaction<Tables>,
  { id, terminalId, command, sequence }: Pick<CommandRow, 'id' | 'terminalId' | 'command' | 'sequence'>,
  at: number,
): Promise<CommandRow[]> {
  const older = await transaction
    .updateTable('commands')
    .set({ state: 'cancelled' })
    .where('terminalId', '=', terminalId)
    .where('command', '=', command)
    .where('sequence', '<', sequence)
    .where('state', 'in', UNSENT)
    .returningAll()
    .execute();
  for (const one of older) {
    await insertStep(transaction, one.id, { state: 'cancelled', at, cause: 'superseded', detail: id });
  }
  return older;
}

/** A newer command of the same kind that is, or was, on its way: what is older must not go out any more. */
export async function newerOf(
  transaction: Transaction<Tables>,
  { terminalId, command, sequence }: Command,
): Promise<string | undefined> {
  const newer = await transaction
    .selectFrom('commands')
    .select('id')
    .where('terminalId', '=', terminalId)
    .where('command', '=', command)
    .where('sequence', '>', sequence)
    .where('state', 'in', GIVEN)
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  return newer?.id;
}
