import type { Transaction } from 'kysely';
import { type Caller, sinceVisible, visibleTerminals } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import type { CommandState, StepCause } from '../db/schema-commands.ts';
import { chunksOf } from '../lib/chunks.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { commandNumber } from '../terminals/encode.ts';
import type { Terminal } from '../terminals/registry.ts';
import type { Judgement } from './judge.ts';
import { type CommandEvent, isWaiting, nextState } from './lifecycle.ts';
import { createCommand, type JudgedRequest } from './outbox.ts';
import { type Command, type CommandStep, isNext, unfinished, waitingForArrears, withHistory } from './rows.ts';

/** The outbox: every command is a row before it is a message, and every step of its life is a row with time and cause. */

export type { Command };

/** What changes in a row beside its state. */
type Also = Partial<Pick<Command, 'expiresAt' | 'approvedBy' | 'approvedAt' | 'policyVersion' | 'rules'>>;

const columnsOf = ({ rules, ...also }: Also) => ({ ...also, ...(rules && { rules: JSON.stringify(rules) }) });

/** How long after a time-out an answer or a reading may still tell what happened. */
const LATE_MS = 3_600_000;
/** A statement takes only so many parameters. */
const ROWS_AT_ONCE = 500;
const MOST_KNOWN = 100_000;
/** What the terminal says stays true when another step was taken at the same moment. */
const SAID: ReadonlySet<CommandEvent> = new Set(['acknowledge', 'reject', 'confirm']);

/** `onChange` is told of every new command and every step. */
export async function openCommands(parts: {
  db: Database;
  clock: Clock;
  /** Whether other gateways may take steps too. */
  shared?: boolean;
  onChange: (command: Command) => void;
}) {
  const { db, clock, onChange } = parts;
  /** Commands that something can still happen to, by terminal and in order, so that a reading need not ask the database. */
  const open = new Map<string, Command[]>();

  const isOpen = (command: Command): boolean =>
    command.state === 'held' ||
    command.state === 'queued' ||
    isWaiting(command.state) ||
    (command.state === 'timed_out' && clock.now() - (command.sentAt ?? 0) < LATE_MS);

  /** How many steps of a command were told of here, so that what the database tells once more is no news. */
  const stepsKnown = new Map<string, number>();

  function keep(command: Command): void {
    if (stepsKnown.size >= MOST_KNOWN) stepsKnown.clear();
    stepsKnown.set(command.id, command.history.length);
    // When a newer one of its kind was sent, what a reading shows no longer tells of one that timed out.
    const isOver = (other: Command) =>
      other.state === 'timed_out' &&
      other.command === command.command &&
      other.sequence < command.sequence &&
      command.sentAt !== null;
    const others = (open.get(command.terminalId) ?? []).filter((other) => other.id !== command.id && !isOver(other));
    const now = isOpen(command) ? [...others, command].sort((a, b) => a.sequence - b.sequence) : others;
    if (now.length > 0) open.set(command.terminalId, now);
    else open.delete(command.terminalId);
  }

  for (const command of await unfinished(db, clock.now() - LATE_MS)) keep(command);

  function tell(command: Command): void {
    keep(command);
    onChange(command);
  }

  /** Memory follows the rows. Gives those that somebody else took a step with. */
  function learn(rows: Command[]): Command[] {
    const changed = rows.filter(({ id, history }) => history.length > (stepsKnown.get(id) ?? 0));
    for (const command of changed) tell(command);
    return changed;
  }

  async function reload(ids: string[]): Promise<Command[]> {
    const found: Command[] = [];
    for (const some of chunksOf(ids, ROWS_AT_ONCE)) {
      const rows = await db.selectFrom('commands').selectAll().where('id', 'in', some).execute();
      found.push(...(await withHistory(db, rows)));
    }
    return learn(found);
  }

  /** Takes one step. Returns undefined, and changes nothing, when the table does not allow it. */
  async function step(
    command: Command,
    event: CommandEvent,
    cause: StepCause,
    detail: string | null = null,
    also: Also = {},
  ): Promise<Command | undefined> {
    const state = nextState(command.state, event);
    if (!state) return undefined;
    const at = clock.now();
    const taken: CommandStep = { state, at, cause, detail };
    const sentAt = event === 'send' ? at : event === 'return' ? null : command.sentAt;
    const changed = await db.transaction().execute(async (transaction) => {
      if (event === 'send' && !(await isNext(transaction, command))) return false;
      // The state is compared again, so that of two steps at once only one is taken.
      const { numUpdatedRows } = await transaction
        .updateTable('commands')
        .set({ state, sentAt, ...columnsOf(also) })
        .where('id', '=', command.id)
        .where('state', '=', command.state)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) return false;
      await transaction
        .insertInto('commandSteps')
        .values({ id: newId('stp'), commandId: command.id, ...taken })
        .execute();
      return true;
    });
    if (!changed) {
      await reload([command.id]);
      const now = openOf(command.terminalId).find(({ id }) => id === command.id);
      return now && now.state !== command.state && SAID.has(event) ? step(now, event, cause, detail, also) : undefined;
    }
    const next: Command = { ...command, ...also, state, sentAt, history: [...command.history, taken] };
    tell(next);
    return next;
  }

  /** Those that are still open; a time-out becomes final by the clock alone. */
  function openOf(terminalId: string): readonly Command[] {
    const kept = open.get(terminalId);
    if (!kept) return [];
    const now = kept.filter(isOpen);
    if (now.length === 0) open.delete(terminalId);
    else if (now.length < kept.length) open.set(terminalId, now);
    return now;
  }

  return {
    step,

    /** Writes a command into the outbox, as it was judged; `announce` it when the transaction is through. */
    create: (transaction: Transaction<Tables>, terminal: Terminal, caller: Caller, request: JudgedRequest) =>
      createCommand(transaction, { terminal, caller, request, now: clock.now() }),

    announce: tell,

    /** Confirms what a reading shows. Only a reading taken after the command was sent counts. */
    async confirm(terminal: Terminal, time: number, values: Record<string, number>): Promise<Command[]> {
      const confirmed: Command[] = [];
      for (const command of openOf(terminal.id)) {
        const definition = terminal.profile.commands[command.command];
        const shown = definition && values[definition.confirm];
        if (!definition || shown === undefined || command.sentAt === null || time <= command.sentAt) continue;
        const wanted = commandNumber(definition, command.value);
        if (wanted === undefined || Math.abs(shown - wanted) > definition.within + 1e-9) continue;
        const next = await step(command, 'confirm', 'reading', `${definition.confirm} = ${shown}`);
        if (next) confirmed.push(next);
      }
      return confirmed;
    },

    /** The terminal's answer: it took the command, or refused it. */
    async answer(terminalId: string, id: string, accepted: boolean, reason: string | undefined) {
      const known = () => openOf(terminalId).find((one) => one.id === id);
      const take = (command: Command) =>
        accepted ? step(command, 'acknowledge', 'taken') : step(command, 'reject', 'refused_by_terminal', reason);
      const command = known();
      const taken = command && (await take(command));
      if (taken || !parts.shared) return taken;
      // Another gateway sent it, and its row is here before word of it.
      await reload([id]);
      const fresh = known();
      return fresh && fresh.state !== command?.state ? take(fresh) : undefined;
    },

    /** Reads commands again that somebody else may have changed; without ids all that are open here or there. Gives those that are open. */
    async follow(ids?: string[]): Promise<Command[]> {
      const changed = await reload(ids ?? [...open.values()].flat().map(({ id }) => id));
      if (ids === undefined) changed.push(...learn(await unfinished(db, clock.now() - LATE_MS)));
      return changed.filter(isOpen);
    },

    /** Takes back what was not sent to a terminal that was removed or moved: it was meant for where it stood. */
    async withdraw(terminalId: string): Promise<void> {
      for (const command of openOf(terminalId)) await step(command, 'cancel', 'moved');
    },

    /** What holds it has changed: who allows it must see that first. */
    async holdFor(command: Command, { rules, policyVersion }: Judgement): Promise<void> {
      await db
        .updateTable('commands')
        .set(columnsOf({ rules, policyVersion }))
        .where('id', '=', command.id)
        .where('state', '=', 'held')
        .execute();
      tell({ ...command, rules, policyVersion });
    },

    forArrears: (householdId: string) => waitingForArrears(db, householdId),

    openOf,
    /** Those that wait to be sent, and those that wait for an answer or for a reading that shows them. */
    counts() {
      const all = [...open.values()].flat();
      const queued = all.filter(({ state }) => state === 'queued').length;
      return { queued, inFlight: all.filter(({ state }) => isWaiting(state)).length };
    },
    openTerminals: (): string[] => [...open.keys()],

    async get(caller: Caller, id: string): Promise<Command> {
      const row = await db
        .selectFrom('commands')
        .innerJoin('terminals', 'terminals.id', 'commands.terminalId')
        .selectAll('commands')
        .where('commands.id', '=', id)
        .where(visibleTerminals(caller))
        .where(sinceVisible(caller, 'commands.createdAt'))
        .executeTakeFirst();
      const [command] = row ? await withHistory(db, [row]) : [];
      if (!command) throw new GatewayError('not_found');
      return command;
    },

    /** The newest first. */
    async list(caller: Caller, filter: Page & { terminalId?: string | undefined; state?: CommandState | undefined }) {
      const { limit, cursor, terminalId, state } = filter;
      let query = db
        .selectFrom('commands')
        .innerJoin('terminals', 'terminals.id', 'commands.terminalId')
        .selectAll('commands')
        .where(visibleTerminals(caller))
        .where(sinceVisible(caller, 'commands.createdAt'));
      if (terminalId) query = query.where('commands.terminalId', '=', terminalId);
      if (state) query = query.where('commands.state', '=', state);
      if (cursor) query = query.where('commands.id', '<', cursor);
      const page = pageOf(
        await query
          .orderBy('commands.id', 'desc')
          .limit(limit + 1)
          .execute(),
        limit,
      );
      return { ...page, items: await withHistory(db, page.items) };
    },
  };
}
export type Commands = Awaited<ReturnType<typeof openCommands>>;
