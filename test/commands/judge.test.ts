import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Facts, type JudgeContext, type JudgeRequest, judgeBy } from '../../src/commands/judge.ts';
import { loadPolicies } from '../../src/commands/policies.ts';
import { parsePolicy } from '../../src/commands/policy-file.ts';
import { RULES, words } from '../../src/commands/rules.ts';
import { loadProfiles } from '../../src/terminals/profile.ts';

/** Every rule of the shipped policy, case by case. Times are of Asia/Shanghai; money is fen. */

const MINUTE = 60_000;
const DAY = 86_400_000;

const profiles = loadProfiles('config/profiles');
const policy = loadPolicies('config/policies').find(({ version }) => version === '2026-11');
if (!policy) throw new Error('the shipped policy has another version');

const at = (shanghai: string): number => Date.parse(`${shanghai}:00+08:00`);
const NOON = at('2026-11-24T12:00');

const outdoors = (outdoorC: number, forecastMinC: number | null = null) => ({ known: { outdoorC, forecastMinC } });
const room = (value: number, minutesAgo = 1) => ({ value, time: NOON - minutesAgo * MINUTE });
const told = (owedFen: bigint, ...daysAgo: number[]) => ({
  owedFen,
  noticesAt: daysAgo.map((days) => NOON - days * DAY),
});
const sent = (...steps: [minutesAgo: number, value: string][]) =>
  steps.map(([minutesAgo, value]) => ({ value, at: NOON - minutesAgo * MINUTE }));

/** A mild noon, a warm room, nobody in arrears, nothing sent before. */
const ORDINARY: Facts = {
  now: NOON,
  clockSure: true,
  policy,
  weather: outdoors(8, 3),
  room: room(20),
  offline: false,
  vulnerable: false,
  arrears: undefined,
  history: [],
  offs: { others: 0, fleet: 500 },
};

/** At another time the room is as warm. */
const factsWith = (facts: Partial<Facts>): Facts => {
  const now = facts.now ?? NOON;
  return { ...ORDINARY, room: { value: 20, time: now - MINUTE }, ...facts };
};

/** `profile command value`; the options of a request follow. */
type Case = [asked: string, facts: Partial<Facts>, verdict: string, more?: Partial<JudgeRequest & JudgeContext>];

function verdictOf(asked: string, facts: Partial<Facts>, more: Partial<JudgeRequest & JudgeContext> = {}): string {
  const [name = '', command = '', word = ''] = asked.split(' ');
  const profile = profiles.get(name);
  if (!profile) throw new Error(`no profile ${name}`);
  const { via = 'request', together, again, approved, ...request } = more;
  const context: JudgeContext = {
    via,
    ...(together && { together }),
    ...(again && { again }),
    ...(approved && { approved }),
  };
  const value = Number.isNaN(Number(word)) ? word : Number(word);
  const { decision, rules } = judgeBy(profile, { command, value, ...request }, context, factsWith(facts));
  return [decision, ...rules.map(({ rule }) => rule)].join(' ');
}

const OFF = 'gas-boiler power off';
const CLOSE = 'gas-meter valve close';
const PLUG = 'tasmota-plug power off';
const PUMP_OFF = 'midea-m-thermal power off';
const PUMP_ON = 'midea-m-thermal power on';
const why = { reason: 'asked for by the household' };

describe.each<[rule: string, cases: Case[]]>([
  [
    'in ordinary circumstances one person switches one terminal',
    [
      [OFF, {}, 'allowed'],
      [CLOSE, {}, 'allowed'],
      ['gas-boiler setpoint 5', {}, 'allowed'],
      ['gas-boiler power on', {}, 'allowed'],
      [OFF, { weather: 'none' }, 'allowed'],
      [OFF, { room: undefined }, 'allowed'],
    ],
  ],
  [
    'what is not known fails closed: nothing is switched off, and on goes on',
    [
      [OFF, { policy: undefined }, 'refused policy_unreadable'],
      [CLOSE, { policy: undefined }, 'refused policy_unreadable', { ...why, purpose: 'safety' }],
      ['gas-boiler power on', { policy: undefined }, 'allowed'],
      ['gas-boiler setpoint 22', { policy: undefined, clockSure: false }, 'allowed'],
      [OFF, { clockSure: false }, 'refused clock_unsure'],
      [OFF, { clockSure: false, policy: undefined }, 'refused clock_unsure policy_unreadable'],
      ['gas-boiler power on', { clockSure: false }, 'allowed'],
      [OFF, { weather: { known: undefined, ageMs: undefined } }, 'refused weather_unknown', why],
      [OFF, { weather: { known: undefined, ageMs: DAY } }, 'refused weather_unknown', why],
      ['gas-boiler power on', { weather: { known: undefined, ageMs: DAY } }, 'allowed'],
      [OFF, { room: room(20, 121) }, 'refused room_unknown'],
      ['gas-boiler power on', { room: room(20, 121) }, 'allowed'],
    ],
  ],
  [
    'a gas valve is armed by a person, one at a time, and never waits',
    [
      ['gas-meter valve arm', {}, 'allowed'],
      ['gas-meter valve arm', { offline: true }, 'refused not_reachable'],
      ['gas-meter valve arm', {}, 'refused arm_by_person_only', { via: 'batch' }],
      ['gas-meter valve arm', {}, 'refused arm_by_person_only', { via: 'schedule' }],
      [CLOSE, { offline: true }, 'allowed'],
    ],
  ],
  [
    'a compressor runs and rests for ten minutes at least, and starts four times an hour at most',
    [
      [PUMP_OFF, { history: sent([9, 'on']) }, 'refused min_on_time'],
      [PUMP_OFF, { history: sent([10, 'on']) }, 'allowed'],
      [PUMP_OFF, { history: sent([9, 'off']) }, 'allowed'],
      [PUMP_ON, { history: sent([9, 'off']) }, 'refused min_off_time'],
      [PUMP_ON, { history: sent([10, 'off']) }, 'allowed'],
      [PUMP_ON, { history: sent([1, 'on']) }, 'allowed'],
      [
        PUMP_ON,
        {
          history: sent(
            [58, 'on'],
            [50, 'off'],
            [45, 'on'],
            [38, 'off'],
            [30, 'on'],
            [25, 'off'],
            [20, 'on'],
            [11, 'off'],
          ),
        },
        'refused max_starts',
      ],
      [
        PUMP_ON,
        {
          history: sent(
            [61, 'on'],
            [50, 'off'],
            [45, 'on'],
            [38, 'off'],
            [30, 'on'],
            [25, 'off'],
            [20, 'on'],
            [11, 'off'],
          ),
        },
        'allowed',
      ],
      [OFF, { history: sent([1, 'on']) }, 'allowed'],
    ],
  ],
  [
    'a room below the limit keeps its heat, and a cut of supply has a higher limit than a standby',
    [
      [OFF, { room: room(11.9) }, 'refused room_too_cold'],
      [OFF, { room: room(12) }, 'allowed'],
      [CLOSE, { room: room(13) }, 'refused room_too_cold'],
      [PLUG, { room: room(13) }, 'refused room_too_cold'],
      [OFF, { room: room(13) }, 'allowed'],
      ['gas-boiler power on', { room: room(3) }, 'allowed'],
    ],
  ],
  [
    'in the cold a second person and a reason are needed, sooner for a cut than for a standby',
    [
      [OFF, { weather: outdoors(-10.1) }, 'held cold', why],
      [OFF, { weather: outdoors(-10.1) }, 'refused reason_required cold'],
      [OFF, { weather: outdoors(-10.1) }, 'refused reason_required cold', { reason: '   ' }],
      [OFF, { weather: outdoors(-10) }, 'allowed'],
      [OFF, { weather: outdoors(2, -15.5) }, 'held cold', why],
      [OFF, { weather: outdoors(2, -15) }, 'allowed'],
      [CLOSE, { weather: outdoors(-0.5) }, 'held cold', why],
      [PLUG, { weather: outdoors(-0.5) }, 'held cold', why],
      [OFF, { weather: outdoors(-0.5) }, 'allowed'],
      ['gas-boiler power on', { weather: outdoors(-30) }, 'allowed'],
    ],
  ],
  [
    'quiet hours go over midnight and hold what is planned',
    [
      [OFF, { now: at('2026-11-24T19:59') }, 'allowed', { ...why, via: 'schedule' }],
      [OFF, { now: at('2026-11-24T20:00') }, 'held quiet_hours', { ...why, via: 'schedule' }],
      [OFF, { now: at('2026-11-25T03:00') }, 'held quiet_hours', { ...why, via: 'batch' }],
      [OFF, { now: at('2026-11-25T08:00') }, 'allowed', { ...why, via: 'batch' }],
      [OFF, { now: at('2026-11-24T20:00') }, 'refused reason_required quiet_hours', { via: 'batch' }],
      [OFF, { now: at('2026-11-24T20:00') }, 'allowed'],
    ],
  ],
  [
    'before a holiday and on it what is planned is held',
    [
      [OFF, { now: at('2027-02-04T12:00') }, 'held before_holiday', { ...why, via: 'batch' }],
      [OFF, { now: at('2027-02-07T12:00') }, 'held before_holiday', { ...why, via: 'batch' }],
      [OFF, { now: at('2027-02-03T12:00') }, 'allowed', { ...why, via: 'batch' }],
      [OFF, { now: at('2027-02-05T12:00') }, 'allowed'],
    ],
  ],
  [
    'a household marked vulnerable needs a second person and a reason',
    [
      [OFF, { vulnerable: true }, 'held vulnerable_household', why],
      [CLOSE, { vulnerable: true }, 'held vulnerable_household', why],
      [OFF, { vulnerable: true }, 'refused reason_required vulnerable_household'],
      ['gas-boiler power on', { vulnerable: true }, 'allowed'],
      ['gas-boiler setpoint 20', { vulnerable: true }, 'allowed'],
    ],
  ],
  [
    'for arrears three notices come first, a week apart, the last three days ago',
    [
      [CLOSE, {}, 'refused arrears_notices', { purpose: 'arrears' }],
      [CLOSE, { arrears: told(5_000n) }, 'refused arrears_notices', { purpose: 'arrears' }],
      [CLOSE, { arrears: told(5_000n, 10, 3) }, 'refused arrears_notices', { purpose: 'arrears' }],
      [CLOSE, { arrears: told(5_000n, 17, 10, 3) }, 'allowed', { purpose: 'arrears' }],
      [CLOSE, { arrears: told(5_000n, 17, 10, 2) }, 'refused arrears_notices', { purpose: 'arrears' }],
      [CLOSE, { arrears: told(5_000n, 17, 12, 3) }, 'refused arrears_notices', { purpose: 'arrears' }],
      [CLOSE, { arrears: told(0n, 17, 10, 3) }, 'refused nothing_owed', { purpose: 'arrears' }],
      ['gas-meter valve arm', {}, 'allowed', { purpose: 'arrears' }],
    ],
  ],
  [
    'many at once need a second person: twenty, or one in a hundred of a company, ten at least',
    [
      [OFF, { offs: { others: 9, fleet: 500 } }, 'allowed'],
      [OFF, { offs: { others: 10, fleet: 500 } }, 'held mass_off'],
      [OFF, { offs: { others: 14, fleet: 1_500 } }, 'allowed'],
      [OFF, { offs: { others: 15, fleet: 1_500 } }, 'held mass_off'],
      [OFF, { offs: { others: 20, fleet: 100_000 } }, 'held mass_off'],
      [OFF, { offs: { others: 19, fleet: undefined } }, 'allowed'],
      [OFF, { offs: { others: 20, fleet: undefined } }, 'held mass_off'],
      [OFF, { offs: { others: 0, fleet: 500 } }, 'held mass_off', { via: 'batch', together: 11 }],
      [OFF, { offs: undefined }, 'allowed', { again: true }],
      ['gas-boiler power on', { offs: { others: 5_000, fleet: 5_000 } }, 'allowed'],
    ],
  ],
  [
    'who smells gas closes at once, and says why; one of many it is all the same',
    [
      [CLOSE, { weather: outdoors(-20), room: room(3), vulnerable: true }, 'allowed', { ...why, purpose: 'safety' }],
      [CLOSE, { weather: { known: undefined, ageMs: DAY } }, 'allowed', { ...why, purpose: 'safety' }],
      [CLOSE, {}, 'refused reason_required', { purpose: 'safety' }],
      [CLOSE, { offs: { others: 20, fleet: 500 } }, 'held mass_off', { ...why, purpose: 'safety' }],
      [OFF, { room: room(3) }, 'refused room_too_cold', { ...why, purpose: 'safety' }],
    ],
  ],
  [
    'an approval covers the rules that were shown, and no others',
    [
      [OFF, { vulnerable: true }, 'allowed vulnerable_household', { ...why, approved: ['vulnerable_household'] }],
      [
        OFF,
        { vulnerable: true, weather: outdoors(-11) },
        'held cold vulnerable_household',
        { ...why, approved: ['vulnerable_household'] },
      ],
      [
        OFF,
        { vulnerable: true, room: room(5) },
        'refused room_too_cold vulnerable_household',
        { ...why, approved: ['vulnerable_household'] },
      ],
    ],
  ],
])('%s', (_rule, cases) => {
  test.each(cases)('%s %o → %s', (asked, facts, verdict, more) => {
    expect(verdictOf(asked, facts, more)).toBe(verdict);
  });
});

test('every rule names its figures in both languages', () => {
  const met = new Map<string, { zh: string; en: string }>();
  const meet = (asked: string, facts: Partial<Facts>, more: Partial<JudgeRequest & JudgeContext> = {}) => {
    const [name = '', command = '', value = ''] = asked.split(' ');
    const profile = profiles.get(name);
    if (!profile) throw new Error(`no profile ${name}`);
    const { via = 'request', ...request } = more;
    const { rules } = judgeBy(profile, { command, value, ...request }, { via }, factsWith(facts));
    for (const { rule, ...words } of rules) met.set(rule, words);
  };
  meet(OFF, { policy: undefined, clockSure: false });
  meet('gas-meter valve arm', {}, { via: 'batch' });
  meet('gas-meter valve arm', { offline: true });
  meet(PUMP_OFF, { history: sent([4, 'on']) });
  meet(PUMP_ON, {
    history: sent([59, 'on'], [50, 'off'], [45, 'on'], [38, 'off'], [30, 'on'], [25, 'off'], [20, 'on'], [4, 'off']),
  });
  meet(OFF, { room: room(11.5), vulnerable: true, weather: outdoors(-12.5), offs: { others: 30, fleet: 500 } });
  meet(OFF, { room: room(20, 180), weather: { known: undefined, ageMs: 4 * 3_600_000 } });
  meet(CLOSE, { arrears: told(100n, 9) }, { purpose: 'arrears' });
  meet(CLOSE, { arrears: told(0n) }, { purpose: 'arrears' });
  meet(OFF, { now: at('2027-02-05T21:00') }, { via: 'schedule', ...why });
  // Of a batch, not of a judgement.
  met.set('no_such_command', words.no_such_command('gas-boiler')).set('moved', words.moved());
  expect([...met.keys()].sort()).toEqual([...RULES].sort());
  for (const { zh, en } of met.values()) {
    expect(zh).toMatch(/[一-鿿].*。$/);
    expect(en).toMatch(/^[^一-鿿]+\.$/);
    expect(`${zh}${en}`).not.toMatch(/undefined|NaN|null|Infinity/);
  }
  expect(met.get('cold')?.zh).toBe('室外 -12.5 °C，低于 -10 °C：须第二人审批。');
  expect(met.get('room_too_cold')?.en).toBe('The room has 11.5 °C, below 12 °C: heat is not taken away.');
  expect(met.get('mass_off')?.zh).toContain('一小时内关停 31 台，超过 10 台');
});

test('a policy that is wrong is refused with everything that is wrong in it, each with its place', () => {
  const text = readFileSync('config/policies/default.yaml', 'utf8');
  const wrong = text.replace('withinS: 900', 'withinS: 9').replace(/^vulnerable: .*$/m, 'vulnerable: maybe');
  expect(wrong).not.toBe(text);
  expect(() => parsePolicy(wrong, 'p.yaml')).toThrow(
    /^p.yaml:\d+:\d+ approval.withinS: .*\np.yaml:\d+:\d+ vulnerable: Invalid option: expected one of "hold"\|"allow"$/,
  );
});
