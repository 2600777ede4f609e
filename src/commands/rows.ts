import type { Transaction } from 'kysely';
import type { Database, DatabaseOrTransaction } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';
import type { CommandRow, CommandState, CommandStepRow } from '../db/schema-commands.ts';
import type { Reason } from './rules.ts';

/** Commands as they lie in the database. */

export type CommandStep = Pick<CommandStepRow, 'state' | 'at' | 'cause' | 'detail'>;
export type Command = Omit<CommandRow, 'value' | 'rules'> & {
  value: string | number;
  rules: Reason[];
  history: CommandStep[];
};

export async function withHistory(db: DatabaseOrTransaction, rows: CommandRow[]): Promise<Command[]> {
  const ids = rows.map((row) => row.id);
  const steps = ids.length
    ? await db.selectFrom('commandSteps').selectAll().where('commandId', 'in', ids).orderBy('id').execute()
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

/**
 * Whether a terminal's command may be sent now, by the rows: none is under way, and none waits before it. Its terminal's row is held, so that
 * of several gateways one at a time asks.
 */
export async function isNext(
  transaction: Transaction<Tables>,
  { id, terminalId, sequence }: Command,
): Promise<boolean> {
  await transaction
    .updateTable('terminals')
    .set((row) => ({ commandSequence: row.ref('commandSequence') }))
    .where('id', '=', terminalId)
    .execute();
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
