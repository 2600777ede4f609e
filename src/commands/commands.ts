import type { Transaction } from 'kysely';
import type { Caller } from '../areas/scope.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';
import type { StepCause } from '../db/schema-commands.ts';
import { chunksOf } from '../lib/chunks.ts';
import type { Clock } from '../lib/clock.ts';
import { commandNumber } from '../terminals/encode.ts';
import type { Terminal } from '../terminals/registry.ts';
import { auditOfHold, auditOfStep } from './audited.ts';
import type { Judgement } from './judge.ts';
import { type CommandEvent, isWaiting, nextState } from './lifecycle.ts';
import { createCommandListing } from './listing.ts';
import { createCommandMemory, LATE_MS } from './memory.ts';
import {
  type Command,
  type CommandStep,
  holdTerminal,
  insertStep,
  isNext,
  nextSequence,
  unfinished,
  waitingForArrears,
  withHistory,
} from './rows.ts';
import { createCommandWriting, type JudgedRequest } from './writing.ts';

/** The outbox: every command is a row before it is a message, and every step of its life is a row with time and cause, and one in the audit. */

export type { Command };

/** What changes in a row beside its state. */
type Also = Partial<Pick<Command, 'expiresAt' | 'approvedBy' | 'approvedAt' | 'policyVersion' | 'rules'>>;

const columnsOf = ({ rules, ...also }: Also) => ({ ...also, ...(rules && { rules: JSON.stringify(rules) }) });

/** A statement takes only so many parameters. */
const ROWS_AT_ONCE = 500;
/** What the terminal says stays true when another step was taken at the same moment. */
const SAID: ReadonlySet<CommandEvent> = new Set(['acknowledge', 'reject', 'confirm']);

/** `onChange` is told of every new command and every step. */
export async function openCommands(parts: {
  db: Database;
  clock: Clock;
  audit: Audit;
  /** The name of this gateway in the audit. */
  gateway: string;
  /** Whether other gateways may take steps too. */
  shared?: boolean;
  onChange: (command: Command) => void;
}) {
  const { db, clock, audit, gateway, onChange } = parts;
  const { write, supersede, giveWay } = createCommandWriting({ clock, gateway });
  const memory = createCommandMemory(clock);
  const { openOf } = memory;

  for (const command of await unfinished(db, clock.now() - LATE_MS)) memory.keep(command);

  function tell(command: Command): void {
    memory.keep(command);
    onChange(command);
  }

  /** Memory follows the rows. Gives those that somebody else took a step with. */
  function learn(rows: Command[]): Command[] {
    const changed = rows.filter(memory.isNews);
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

  /** Older ones of its kind that were not sent may have gone with it. */
  const reloadOlder = ({ terminalId, command, sequence }: Command) =>
    reload(
      openOf(terminalId)
        .filter((other) => other.command === command && other.sequence < sequence && !isWaiting(other.state))
        .map(({ id }) => id),
    );

  /** Takes one step. Returns undefined, and changes nothing, when the table does not allow it. */
  async function step(
    command: Command,
    event: CommandEvent,
    cause: StepCause,
    detail: string | null = null,
    { by, also = {} }: { by?: string; also?: Also } = {},
  ): Promise<Command | undefined> {
    const state = nextState(command.state, event);
    if (!state) return undefined;
    const at = clock.now();
    const sentAt = event === 'send' ? at : event === 'return' ? null : command.sentAt;
    const first: CommandStep = { state, at, cause, detail };
    const taken = await db.transaction().execute(async (transaction) => {
      const sequence = await sequenceAfter(transaction, command, event);
      if (event === 'send' && !(await isNext(transaction, command))) return undefined;
      // The state is compared again, so that of two steps at once only one is taken.
      const { numUpdatedRows } = await transaction
        .updateTable('commands')
        .set({ state, sentAt, sequence, ...columnsOf(also) })
        .where('id', '=', command.id)
        .where('state', '=', command.state)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) return undefined;
      await insertStep(transaction, command.id, first);
      const row = { ...command, ...also, sequence };
      const entries = [auditOfStep(row, event, first, { by, gateway })];
      if (event === 'approve') entries.push(...(await supersede(transaction, row, by)));
      const steps = event === 'return' ? await giveWay(transaction, command, first, entries) : [first];
      await audit.record(transaction, ...entries);
      return { steps, sequence };
    });
    if (!taken) {
      await reload([command.id]);
      const now = openOf(command.terminalId).find(({ id }) => id === command.id);
      return now && now.state !== command.state && SAID.has(event) ? step(now, event, cause, detail) : undefined;
    }
    const { steps, sequence } = taken;
    const last = steps.at(-1) ?? first;
    const history = [...command.history, ...steps];
    const next: Command = { ...command, ...also, state: last.state, sequence, sentAt, history };
    tell(next);
    if (event === 'approve') await reloadOlder(next);
    return next;
  }

  return {
    step,

    /** Writes a command into the outbox, as the last thing of the transaction; `announce` it when that is through. */
    async create(
      transaction: Transaction<Tables>,
      terminal: Terminal,
      caller: Caller,
      request: JudgedRequest,
    ): Promise<Command> {
      const { command, entries } = await write(transaction, terminal, caller, request);
      await audit.record(transaction, ...entries);
      return command;
    },

    /** Tells of a new command, and of those whose place it took. */
    async announce(command: Command): Promise<void> {
      tell(command);
      await reloadOlder(command);
    },

    /**
     * What a reading says of commands: it confirms those that it shows, and contradicts, once in each of their states, those of which it shows
     * something else. Only a reading taken after the command was sent counts. Gives those that it confirmed.
     */
    async confirm(terminal: Terminal, time: number, values: Record<string, number>): Promise<Command[]> {
      const confirmed: Command[] = [];
      for (const command of openOf(terminal.id)) {
        const definition = terminal.profile.commands[command.command];
        const shown = definition && values[definition.confirm];
        const sentTime = memory.sentTime(command);
        if (!definition || shown === undefined || sentTime === null || time <= sentTime) continue;
        const wanted = commandNumber(definition, command.value);
        if (wanted === undefined) continue;
        const detail = `${definition.confirm} = ${shown}`;
        if (Math.abs(shown - wanted) <= definition.within + 1e-9) {
          const next = await step(command, 'confirm', 'reading', detail);
          if (next) confirmed.push(next);
        } else if (!isContradicted(command)) await step(command, 'contradict', 'contradicted', detail);
      }
      return confirmed;
    },

    /** The terminal's answer: it took the command, or refused it. What it says twice counts once. */
    async answer(terminalId: string, id: string, accepted: boolean, reason: string | undefined) {
      const known = () => openOf(terminalId).find((one) => one.id === id);
      const take = async (command: Command) => {
        if (!accepted) return step(command, 'reject', 'refused_by_terminal', reason);
        return isTaken(command) ? undefined : step(command, 'acknowledge', 'taken');
      };
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
      const changed = await reload(ids ?? memory.all().map(({ id }) => id));
      if (ids === undefined) changed.push(...learn(await unfinished(db, clock.now() - LATE_MS)));
      return changed.filter(memory.isOpen);
    },

    /** Takes back what was not sent to a terminal that was removed or moved: it was meant for where it stood. */
    async withdraw(terminalId: string): Promise<void> {
      for (const command of openOf(terminalId)) await step(command, 'cancel', 'moved');
    },

    /** What holds it has changed: who allows it must see that first. */
    async holdFor(command: Command, { rules, policyVersion }: Judgement): Promise<void> {
      const held = { ...command, rules, policyVersion };
      await db.transaction().execute(async (transaction) => {
        await transaction
          .updateTable('commands')
          .set(columnsOf({ rules, policyVersion }))
          .where('id', '=', command.id)
          .where('state', '=', 'held')
          .execute();
        await audit.record(transaction, auditOfHold(held, gateway));
      });
      tell(held);
    },

    forArrears: (householdId: string) => waitingForArrears(db, householdId),

    openOf,
    isExpired: memory.isExpired,
    sinceSentMs: memory.sinceSentMs,
    /** Those that wait to be sent, and those that wait for an answer or for a reading that shows them. */
    counts() {
      const all = memory.all();
      const queued = all.filter(({ state }) => state === 'queued').length;
      return { queued, inFlight: all.filter(({ state }) => isWaiting(state)).length };
    },
    openTerminals: memory.terminals,

    ...createCommandListing(db),
  };
}
export type Commands = Awaited<ReturnType<typeof openCommands>>;

/**
 * Its place in the order: what is approved goes behind those that went out while it was held, as a terminal may take nothing older than what
 * it did last. Where others of the terminal matter, its row is held from here on.
 */
async function sequenceAfter(
  transaction: Transaction<Tables>,
  { terminalId, sequence }: Command,
  event: CommandEvent,
): Promise<number> {
  if (event === 'approve') return nextSequence(transaction, terminalId);
  if (event === 'return') await holdTerminal(transaction, terminalId);
  return sequence;
}

/** Whether a reading contradicted it since its state changed last. */
const isContradicted = ({ history }: Command): boolean => history.at(-1)?.cause === 'contradicted';

const isTaken = ({ history }: Command): boolean => history.some(({ cause }) => cause === 'taken');
