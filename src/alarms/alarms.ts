import { type Caller, sinceVisible, visibleTerminals } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { AlarmRow } from '../db/schema.ts';
import { chunksOf } from '../lib/chunks.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { createTurns } from '../lib/turns.ts';
import type { AlarmDefinition } from '../terminals/profile.ts';
import type { Terminal } from '../terminals/registry.ts';

/** Alarms that profiles define by limits, and alarms that terminals raise by events. One of a kind is open at a time for a terminal. */

export type AlarmState = 'open' | 'acknowledged' | 'closed';

export const stateOf = (alarm: AlarmRow): AlarmState =>
  alarm.closedAt !== null ? 'closed' : alarm.acknowledgedAt !== null ? 'acknowledged' : 'open';

/** A terminal that invents events must not fill the list. */
const MOST_OPEN = 20;
/** A statement takes only so many parameters. */
const ROWS_AT_ONCE = 500;

const isBeyond = (definition: AlarmDefinition, value: number): boolean =>
  (definition.below !== undefined && value < definition.below) ||
  (definition.above !== undefined && value > definition.above);

/** Something for some alarms of few terminals, so that the others cost one look. */
function createByTerminal<T>() {
  const terminals = new Map<string, Map<string, T>>();
  return {
    get: (terminalId: string, alarm: string): T | undefined => terminals.get(terminalId)?.get(alarm),
    count: (terminalId: string): number => terminals.get(terminalId)?.size ?? 0,
    all: (): T[] => [...terminals.values()].flatMap((alarms) => [...alarms.values()]),
    set(terminalId: string, alarm: string, value: T): void {
      const alarms = terminals.get(terminalId) ?? new Map<string, T>();
      terminals.set(terminalId, alarms.set(alarm, value));
    },
    delete(terminalId: string, alarm: string): void {
      const alarms = terminals.get(terminalId);
      if (alarms?.delete(alarm) && alarms.size === 0) terminals.delete(terminalId);
    },
  };
}

/** `onChange` is told of every alarm that opened, was acknowledged or closed. */
export async function openAlarms(parts: { db: Database; clock: Clock; onChange: (alarm: AlarmRow) => void }) {
  const { db, clock, onChange } = parts;
  /** Open alarms by terminal and name, so that a reading need not ask the database. */
  const open = createByTerminal<AlarmRow>();
  /** Since when a value has been beyond its limit. */
  const beyondSince = createByTerminal<number>();

  for (const row of await db.selectFrom('alarms').selectAll().where('closedAt', 'is', null).execute()) {
    open.set(row.terminalId, row.alarm, row);
  }

  /** Opening, acknowledging and closing happen one after another, so that memory and rows say the same. */
  const inTurn = createTurns();

  async function raise(
    terminalId: string,
    alarm: string,
    severity: AlarmRow['severity'],
    data: string | null = null,
  ): Promise<void> {
    if (open.get(terminalId, alarm)) return;
    const row: AlarmRow = {
      id: newId('alm'),
      terminalId,
      alarm,
      severity,
      openedAt: clock.now(),
      acknowledgedAt: null,
      acknowledgedBy: null,
      closedAt: null,
      data,
    };
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('alarms')
      .values(row)
      .onConflict((conflict) => conflict.columns(['terminalId', 'alarm']).where('closedAt', 'is', null).doNothing())
      .executeTakeFirstOrThrow();
    // Another gateway has opened it at this moment, and its row comes.
    if (numInsertedOrUpdatedRows === 0n) return;
    open.set(terminalId, alarm, row);
    onChange(row);
  }

  async function close(terminalId: string, alarm: string): Promise<void> {
    const row = open.get(terminalId, alarm);
    if (!row) return;
    const closed = { ...row, closedAt: clock.now() };
    const { numUpdatedRows } = await db
      .updateTable('alarms')
      .set({ closedAt: closed.closedAt })
      .where('id', '=', row.id)
      .where('closedAt', 'is', null)
      .executeTakeFirstOrThrow();
    open.delete(terminalId, alarm);
    if (numUpdatedRows > 0n) onChange(closed);
  }

  /** What another gateway did to an alarm. */
  function learn(row: AlarmRow): void {
    const known = open.get(row.terminalId, row.alarm);
    const isKnown = known?.id === row.id;
    if (row.closedAt === null) {
      if (isKnown && known.acknowledgedAt === row.acknowledgedAt) return;
      open.set(row.terminalId, row.alarm, row);
    } else if (isKnown) open.delete(row.terminalId, row.alarm);
    else return;
    onChange(row);
  }

  const closeInTurn = (terminalId: string, alarm: string) => inTurn(() => close(terminalId, alarm));
  const raiseInTurn = (terminalId: string, alarm: string, severity: AlarmRow['severity']) =>
    inTurn(() => raise(terminalId, alarm, severity));

  return {
    /** Opens and closes the profile's alarms by a reading; undefined when none changes, as nearly always. */
    evaluate(terminal: Terminal, time: number, values: Record<string, number>): Promise<unknown> | undefined {
      let changes: Promise<void>[] | undefined;
      const { alarms } = terminal.profile;
      for (const name in alarms) {
        const definition = alarms[name];
        const value = definition && values[definition.metric];
        if (!definition || value === undefined) continue;
        const isOpen = open.get(terminal.id, name) !== undefined;
        if (!isBeyond(definition, value)) {
          beyondSince.delete(terminal.id, name);
          if (isOpen) changes = [...(changes ?? []), closeInTurn(terminal.id, name)];
          continue;
        }
        const since = beyondSince.get(terminal.id, name) ?? time;
        beyondSince.set(terminal.id, name, since);
        if (time - since < definition.forS * 1_000 || isOpen) continue;
        changes = [...(changes ?? []), raiseInTurn(terminal.id, name, definition.severity)];
      }
      return changes && Promise.all(changes);
    },

    /**
     * An event of the terminal, with JSON of what it said; it stays open until a person acknowledges it. False when the terminal has too
     * many open already.
     */
    raiseEvent: (terminalId: string, event: string, data: string | null): Promise<boolean> =>
      inTurn(async () => {
        if (open.count(terminalId) >= MOST_OPEN && !open.get(terminalId, event)) return false;
        await raise(terminalId, event, 'critical', data);
        return true;
      }),

    /** Acknowledging an event's alarm closes it, since no reading will; one from a limit closes by a good reading. */
    acknowledge: (caller: Caller, id: string, byLimit: (alarm: AlarmRow) => boolean): Promise<AlarmRow> =>
      inTurn(async () => {
        const row = await db
          .selectFrom('alarms')
          .innerJoin('terminals', 'terminals.id', 'alarms.terminalId')
          .selectAll('alarms')
          .where('alarms.id', '=', id)
          .where(visibleTerminals(caller))
          .where(sinceVisible(caller, 'alarms.openedAt'))
          .executeTakeFirst();
        if (!row) throw new GatewayError('not_found');
        if (stateOf(row) !== 'open') throw new GatewayError('wrong_state', `The alarm is ${stateOf(row)}`);
        const now = clock.now();
        const change = { acknowledgedAt: now, acknowledgedBy: caller.name, closedAt: byLimit(row) ? null : now };
        const { numUpdatedRows } = await db
          .updateTable('alarms')
          .set(change)
          .where('id', '=', id)
          .where('acknowledgedAt', 'is', null)
          .where('closedAt', 'is', null)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) throw new GatewayError('wrong_state', 'Somebody else acknowledged it just now');
        const acknowledged: AlarmRow = { ...row, ...change };
        if (change.closedAt === null) open.set(row.terminalId, row.alarm, acknowledged);
        else open.delete(row.terminalId, row.alarm);
        onChange(acknowledged);
        return acknowledged;
      }),

    /** Reads alarms again that somebody else may have changed; without ids all that are open here or there. */
    follow: (ids?: string[]): Promise<void> =>
      inTurn(async () => {
        const rows = db.selectFrom('alarms').selectAll();
        const asked = ids ?? open.all().map(({ id }) => id);
        for (const some of chunksOf(asked, ROWS_AT_ONCE)) {
          for (const row of await rows.where('id', 'in', some).execute()) learn(row);
        }
        if (ids === undefined) for (const row of await rows.where('closedAt', 'is', null).execute()) learn(row);
      }),

    /** The newest first. */
    async list(caller: Caller, filter: Page & { state?: AlarmState | undefined; terminalId?: string | undefined }) {
      const { limit, cursor, state, terminalId } = filter;
      let query = db
        .selectFrom('alarms')
        .innerJoin('terminals', 'terminals.id', 'alarms.terminalId')
        .selectAll('alarms')
        .where(visibleTerminals(caller))
        .where(sinceVisible(caller, 'alarms.openedAt'));
      if (terminalId) query = query.where('alarms.terminalId', '=', terminalId);
      if (state === 'closed') query = query.where('closedAt', 'is not', null);
      if (state === 'open') query = query.where('closedAt', 'is', null).where('acknowledgedAt', 'is', null);
      if (state === 'acknowledged') query = query.where('closedAt', 'is', null).where('acknowledgedAt', 'is not', null);
      if (cursor) query = query.where('alarms.id', '<', cursor);
      return pageOf(
        await query
          .orderBy('alarms.id', 'desc')
          .limit(limit + 1)
          .execute(),
        limit,
      );
    },

    /** Acknowledged or not. */
    openCount: (terminalIds: Set<string>): number =>
      [...terminalIds].reduce((sum, terminalId) => sum + open.count(terminalId), 0),
  };
}
export type Alarms = Awaited<ReturnType<typeof openAlarms>>;
