import type { Transaction } from 'kysely';
import type { Database, DatabaseOrTransaction } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';
import type { CommandState } from '../db/schema-commands.ts';
import type { Clock } from '../lib/clock.ts';
import type { Terminal } from '../terminals/registry.ts';
import type { Weather } from '../weather/weather.ts';
import type { ClockWatch } from './clock-watch.ts';
import { effectOf } from './effect.ts';
import { type Facts, type Judge, judgeBy } from './judge.ts';
import type { Policies } from './policies.ts';
import type { Policy } from './policy-file.ts';

/** What a command is judged by, gathered at the moment of judging. */

/** What a household owes, and when it was told: undefined while nobody keeps notices. Asks in the given transaction. */
export type NoticesOf = (
  householdId: string,
  db: DatabaseOrTransaction,
) => Promise<{ owedFen: bigint; notices: { at: number }[] } | undefined>;

const HOUR_MS = 3_600_000;
/** No command waits longer than this to be sent. */
const LONGEST_MS = 4 * 24 * HOUR_MS;
/** These did not, or will not, take anybody's heat; what is held counts when it is approved. */
const NOT_OFF: CommandState[] = ['held', 'refused', 'cancelled', 'expired', 'rejected'];

export function createJudge(parts: {
  db: Database;
  clock: Clock;
  clockWatch: ClockWatch;
  policies: Policies;
  weather: Weather;
  noticesOf: NoticesOf;
  /** The newest value of a metric. */
  latestOf: (terminalId: string, metric: string) => { value: number; time: number } | undefined;
  isOffline: (terminal: Terminal) => boolean;
}): Judge {
  const { db, clock, clockWatch, policies, weather, noticesOf, latestOf, isOffline } = parts;

  /** Of the terminal itself, or of the others in its household: the coldest that is new, else the newest. */
  async function roomOf(terminal: Terminal, maxAgeS: number, from: DatabaseOrTransaction): Promise<Facts['room']> {
    const own = latestOf(terminal.id, 'room_c');
    if (own || terminal.householdId === null) return own;
    const others = await from
      .selectFrom('terminals')
      .select('id')
      .where('householdId', '=', terminal.householdId)
      .where('removedAt', 'is', null)
      .execute();
    const rooms = others.map(({ id }) => latestOf(id, 'room_c')).filter((room) => room !== undefined);
    const fresh = rooms.filter(({ time }) => clock.now() - time <= maxAgeS * 1_000);
    return fresh.sort((a, b) => a.value - b.value)[0] ?? rooms.sort((a, b) => b.time - a.time)[0];
  }

  async function historyOf(
    { id, profile }: Terminal,
    command: string,
    from: DatabaseOrTransaction,
  ): Promise<Facts['history']> {
    const limits = profile.limits[command];
    if (!limits || (limits.minOffS ?? limits.minOnS ?? limits.maxStartsPerHour) === undefined) return [];
    const ms = Math.max(HOUR_MS, (limits.minOffS ?? 0) * 1_000, (limits.minOnS ?? 0) * 1_000);
    const rows = await from
      .selectFrom('commands')
      .select(['value', 'sentAt'])
      .where('terminalId', '=', id)
      .where('command', '=', command)
      .where('sentAt', '>', clock.now() - ms)
      .where('state', '!=', 'rejected')
      .orderBy('sequence')
      .execute();
    return rows.map(({ value, sentAt }) => ({ value: JSON.parse(value) as string | number, at: sentAt ?? 0 }));
  }

  async function isVulnerable({ householdId }: Terminal, from: DatabaseOrTransaction): Promise<boolean> {
    if (householdId === null) return false;
    const row = await from
      .selectFrom('households')
      .select('vulnerable')
      .where('id', '=', householdId)
      .executeTakeFirst();
    return row?.vulnerable === 1;
  }

  async function arrearsOf({ householdId }: Terminal, from: DatabaseOrTransaction): Promise<Facts['arrears']> {
    const found = householdId === null ? undefined : await noticesOf(householdId, from);
    return found && { owedFen: found.owedFen, noticesAt: found.notices.map(({ at }) => at) };
  }

  /** In a transaction, what it counts no other can change before it ends. */
  async function offsOf(
    { id, companyId }: Terminal,
    policy: Policy,
    transaction: Transaction<Tables> | undefined,
  ): Promise<Facts['offs']> {
    await transaction?.updateTable('locks').set({ name: 'off' }).where('name', '=', 'off').execute();
    const from: DatabaseOrTransaction = transaction ?? db;
    const now = clock.now();
    const off = await from
      .selectFrom('commands')
      .innerJoin('terminals', 'terminals.id', 'commands.terminalId')
      .select((row) => row.fn.count<number>('commands.terminalId').distinct().as('count'))
      .where('commands.effect', 'is not', null)
      .where('commands.createdAt', '>', now - LONGEST_MS)
      .where('commands.state', 'not in', NOT_OFF)
      .where('commands.terminalId', '!=', id)
      .where('terminals.companyId', 'is not distinct from', companyId)
      .where((row) =>
        row.or([
          row('commands.state', '=', 'queued'),
          row(
            row.fn.coalesce('commands.sentAt', 'commands.approvedAt', 'commands.createdAt'),
            '>',
            now - policy.massOff.withinS * 1_000,
          ),
        ]),
      )
      .executeTakeFirstOrThrow();
    if (companyId === null) return { others: Number(off.count), fleet: undefined };
    const fleet = await from
      .selectFrom('terminals')
      .select((row) => row.fn.countAll<number>().as('count'))
      .where('companyId', '=', companyId)
      .where('removedAt', 'is', null)
      .executeTakeFirstOrThrow();
    return { others: Number(off.count), fleet: Number(fleet.count) };
  }

  return async (terminal, request, context, transaction) => {
    const from: DatabaseOrTransaction = transaction ?? db;
    const policy = policies.inForce();
    const takesHeat = effectOf(terminal.profile, request.command, request.value) !== undefined;
    const facts: Facts = {
      now: clock.now(),
      clockSure: clockWatch.isSure(),
      policy,
      weather: weather.at(terminal.areaCode),
      offline: isOffline(terminal),
      room: takesHeat && policy?.indoor ? await roomOf(terminal, policy.indoor.maxAgeS, from) : undefined,
      vulnerable: takesHeat && (await isVulnerable(terminal, from)),
      arrears: takesHeat && request.purpose === 'arrears' ? await arrearsOf(terminal, from) : undefined,
      history: await historyOf(terminal, request.command, from),
      // Whether it is one of too many was decided when it became a row.
      offs: takesHeat && policy && !context.again ? await offsOf(terminal, policy, transaction) : undefined,
    };
    return judgeBy(terminal.profile, request, context, facts);
  };
}
