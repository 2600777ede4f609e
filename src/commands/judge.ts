import type { Transaction } from 'kysely';
import type { Tables } from '../db/schema.ts';
import type { Effect, Purpose, Via } from '../db/schema-commands.ts';
import { OFFSET_MS } from '../lib/calendar.ts';
import type { Profile } from '../terminals/profile.ts';
import type { Terminal } from '../terminals/registry.ts';
import type { WeatherNow } from '../weather/weather.ts';
import { effectOf, isArm } from './effect.ts';
import type { Policy } from './policy-file.ts';
import { type Reason, type Rule, words } from './rules.ts';

/** Whether a command may be given now: pure, facts in, judgement out. `checkAllowed` has seen before that the profile knows it. */

export interface JudgeRequest {
  command: string;
  value: string | number;
  reason?: string | null | undefined;
  purpose?: Purpose | null | undefined;
}

export interface JudgeContext {
  via: Via;
  /** Terminals that lose their heat by the same decision, this one included: all of a batch. */
  together?: number;
  /** It is a row already, and judged once more before it is sent: how many are off was decided before. */
  again?: boolean;
  /** What a second person has seen and approved; these rules hold it no more. */
  approved?: readonly Rule[];
}

export interface Judgement {
  /** `held` waits for a second person. What no rule of the policy speaks of is allowed. */
  decision: 'allowed' | 'held' | 'refused';
  /** Why: first what refuses it, then what holds it, also where a second person has approved that. */
  rules: Reason[];
  /** Null while the policy files cannot be read. */
  policyVersion: string | null;
}

/** What is so at this moment. Times are epoch ms. */
export interface Facts {
  now: number;
  clockSure: boolean;
  /** Undefined while the files cannot be read. */
  policy: Policy | undefined;
  weather: WeatherNow;
  /** The newest room temperature; undefined when the terminal never said one. */
  room: { value: number; time: number } | undefined;
  /** Known not to be there. */
  offline: boolean;
  vulnerable: boolean;
  /** What the household owes and how often it was told; undefined when nobody knows of any. */
  arrears: { owedFen: bigint; noticesAt: number[] } | undefined;
  /** What was sent of this kind to this terminal, oldest first, as far back as its limits ask. */
  history: { value: string | number; at: number }[];
  /** Other terminals of the same company off lately, and how many it has; undefined where this was decided before. */
  offs: { others: number; fleet: number | undefined } | undefined;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

const reason = (rule: Rule, text: { zh: string; en: string }): Reason => ({ rule, ...text });

type Asked = { profile: Profile; request: JudgeRequest; context: JudgeContext; facts: Facts };
type WithPolicy = Asked & { policy: Policy; effect: Effect };

/** A motor's own limits: how long on, how long off, how often started. They bind switching on too. */
function motor({ profile, request, facts }: Asked): Reason[] {
  const limits = profile.limits[request.command];
  const last = facts.history.at(-1);
  if (!limits || !last) return [];
  const isOff = (value: string | number) => effectOf(profile, request.command, value) !== undefined;
  const waits = (s: number | undefined) => last.at + (s ?? 0) * 1_000 - facts.now;
  if (isOff(request.value)) {
    const left = isOff(last.value) ? 0 : waits(limits.minOnS);
    return left > 0 ? [reason('min_on_time', words.min_on_time(left))] : [];
  }
  if (!isOff(last.value)) return [];
  const found: Reason[] = [];
  const left = waits(limits.minOffS);
  if (left > 0) found.push(reason('min_off_time', words.min_off_time(left)));
  const starts = facts.history.filter(({ value, at }, i) => {
    const before = facts.history[i - 1];
    return !isOff(value) && at > facts.now - HOUR_MS && (!before || isOff(before.value));
  }).length;
  const most = limits.maxStartsPerHour ?? Number.POSITIVE_INFINITY;
  if (starts >= most) found.push(reason('max_starts', words.max_starts(most)));
  return found;
}

function room({ effect, policy, facts }: WithPolicy): Reason[] {
  if (!policy.indoor || !facts.room) return [];
  const age = facts.now - facts.room.time;
  if (age > policy.indoor.maxAgeS * 1_000) return [reason('room_unknown', words.room_unknown(age))];
  const below = policy.indoor.belowC[effect];
  return facts.room.value < below ? [reason('room_too_cold', words.room_too_cold(facts.room.value, below))] : [];
}

/** How many notices of the ladder count: each long enough after the one before that counts. */
function counted(noticesAt: number[], daysBetween: number): number[] {
  const kept: number[] = [];
  for (const at of noticesAt.toSorted((a, b) => a - b)) {
    const before = kept.at(-1);
    if (before === undefined || at - before >= daysBetween * DAY_MS) kept.push(at);
  }
  return kept;
}

function arrears({ request, policy, facts }: WithPolicy): Reason[] {
  if (request.purpose !== 'arrears') return [];
  const { notices, daysBetween, daysAfterLast } = policy.arrears;
  if (facts.arrears && facts.arrears.owedFen <= 0n) return [reason('nothing_owed', words.nothing_owed())];
  const given = counted(facts.arrears?.noticesAt ?? [], daysBetween);
  const last = given.at(-1) ?? Number.POSITIVE_INFINITY;
  if (given.length >= notices && facts.now - last >= daysAfterLast * DAY_MS) return [];
  return [reason('arrears_notices', words.arrears_notices(given.length, notices, daysBetween, daysAfterLast))];
}

/** Weather: what refuses, and what a second person may allow. */
function weather({ effect, policy, facts }: WithPolicy): { refused: Reason[]; held: Reason[] } {
  const none = { refused: [], held: [] };
  if (!policy.cold || facts.weather === 'none') return none;
  const { known } = facts.weather;
  if (!known) {
    const unknown = [reason('weather_unknown', words.weather_unknown(facts.weather.ageMs))];
    return policy.cold.unknown === 'refuse' ? { refused: unknown, held: [] } : { refused: [], held: unknown };
  }
  const outdoorBelow = policy.cold.outdoorBelowC[effect];
  if (known.outdoorC < outdoorBelow) {
    return { refused: [], held: [reason('cold', words.cold('outdoor', known.outdoorC, outdoorBelow))] };
  }
  const forecastBelow = policy.cold.forecastBelowC[effect];
  if (known.forecastMinC !== null && known.forecastMinC < forecastBelow) {
    return { refused: [], held: [reason('cold', words.cold('forecast', known.forecastMinC, forecastBelow))] };
  }
  return none;
}

const shanghaiDay = (time: number): string => new Date(time + OFFSET_MS).toISOString().slice(0, 10);
const shanghaiTime = (time: number): string => new Date(time + OFFSET_MS).toISOString().slice(11, 16);

/** Hours and days on which nobody is cut off: hours may go over midnight. */
function calendar({ request, context, policy, facts }: WithPolicy): Reason[] {
  const found: Reason[] = [];
  const planned = request.purpose === 'arrears' || context.via !== 'request';
  const { quietHours: quiet, holidays } = policy;
  if (quiet && (planned || quiet.applies === 'all')) {
    const time = shanghaiTime(facts.now);
    const within =
      quiet.from <= quiet.to ? time >= quiet.from && time < quiet.to : time >= quiet.from || time < quiet.to;
    if (within) found.push(reason('quiet_hours', words.quiet_hours(quiet.from, quiet.to)));
  }
  if (holidays && (planned || holidays.applies === 'all')) {
    for (let ahead = 0; ahead <= holidays.daysBefore; ahead += 1) {
      const day = shanghaiDay(facts.now + ahead * DAY_MS);
      if (!holidays.days.includes(day)) continue;
      found.push(reason('before_holiday', words.before_holiday(day)));
      break;
    }
  }
  return found;
}

function mass({ context, policy, facts: { offs } }: WithPolicy): Reason[] {
  if (!offs) return [];
  const { terminals, percent, atLeast } = policy.massOff;
  const share = offs.fleet === undefined ? terminals : Math.max(atLeast, Math.floor((offs.fleet * percent) / 100));
  const most = Math.min(terminals, share);
  const count = offs.others + (context.together ?? 1);
  return count > most ? [reason('mass_off', words.mass_off(count, most, offs.fleet !== undefined))] : [];
}

/**
 * Who smells gas closes the valve at once: for safety, a cut asks neither for the time nor for the weather, only for a reason. It counts as
 * one of many all the same, and fails closed like any other.
 */
const isUrgent = ({ effect, request }: WithPolicy): boolean => effect === 'cut' && request.purpose === 'safety';

function takingHeat(asked: WithPolicy): { refused: Reason[]; held: Reason[] } {
  const urgent = isUrgent(asked);
  const byWeather = urgent ? { refused: [], held: [] } : weather(asked);
  const careful = urgent
    ? []
    : [
        ...byWeather.held,
        ...calendar(asked),
        ...(asked.facts.vulnerable && asked.policy.vulnerable === 'hold'
          ? [reason('vulnerable_household', words.vulnerable_household())]
          : []),
      ];
  const refused = urgent ? [] : [...motor(asked), ...room(asked), ...byWeather.refused, ...arrears(asked)];
  const needsReason = careful.length > 0 || urgent;
  if (needsReason && !asked.request.reason?.trim()) refused.push(reason('reason_required', words.reason_required()));
  return { refused, held: [...careful, ...mass(asked)] };
}

/** Opening is arming: by a person, one terminal at a time, and only one that is there. */
function arming({ context, facts }: Asked): Reason[] {
  if (context.via !== 'request') return [reason('arm_by_person_only', words.arm_by_person_only())];
  return facts.offline ? [reason('not_reachable', words.not_reachable())] : [];
}

function found(asked: Asked): { refused: Reason[]; held: Reason[] } {
  const { profile, request, facts } = asked;
  const { policy } = facts;
  const effect = effectOf(profile, request.command, request.value);
  if (!effect) return { refused: isArm(request.value) ? arming(asked) : motor(asked), held: [] };
  // Fail closed: nothing takes heat away while it is not known what may.
  const unsure = [
    ...(facts.clockSure ? [] : [reason('clock_unsure', words.clock_unsure())]),
    ...(policy ? [] : [reason('policy_unreadable', words.policy_unreadable())]),
  ];
  return policy && unsure.length === 0 ? takingHeat({ ...asked, policy, effect }) : { refused: unsure, held: [] };
}

/** What refuses and what holds a command by these facts. */
export function judgeBy(profile: Profile, request: JudgeRequest, context: JudgeContext, facts: Facts): Judgement {
  const { refused, held } = found({ profile, request, context, facts });
  const policyVersion = facts.policy?.version ?? null;
  if (refused.length > 0) return { decision: 'refused', rules: [...refused, ...held], policyVersion };
  const waits = held.some(({ rule }) => !context.approved?.includes(rule));
  return { decision: waits ? 'held' : 'allowed', rules: held, policyVersion };
}

/**
 * Gathers the facts and judges, see `facts.ts`. Without a transaction the count of terminals that are off may change before the command is a
 * row; only what makes the row decides. No rule asks who the caller is: only who approves may not be who asked.
 */
export type Judge = (
  terminal: Terminal,
  request: JudgeRequest,
  context: JudgeContext,
  transaction?: Transaction<Tables>,
) => Promise<Judgement>;
