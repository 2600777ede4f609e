/** Every rule that refuses or holds a command: its code, which is part of the API and never changes, and its words. */

export const RULES = [
  'policy_unreadable',
  'clock_unsure',
  'arm_by_person_only',
  'not_reachable',
  'min_on_time',
  'min_off_time',
  'max_starts',
  'room_too_cold',
  'room_unknown',
  'weather_unknown',
  'arrears_notices',
  'nothing_owed',
  'reason_required',
  'cold',
  'quiet_hours',
  'before_holiday',
  'vulnerable_household',
  'mass_off',
  'no_such_command',
  'moved',
] as const;
export type Rule = (typeof RULES)[number];

/** A rule that a command met, with the figures that it was judged by. */
export interface Reason {
  rule: Rule;
  zh: string;
  en: string;
}

/** For a step's detail: the codes alone. */
export const codesOf = (rules: readonly Reason[]): string => rules.map(({ rule }) => rule).join(', ');

type Words = { zh: string; en: string };
const c = (celsius: number): string => `${celsius.toFixed(1).replace(/\.0$/, '')} °C`;
const minutes = (ms: number): number => Math.max(1, Math.ceil(ms / 60_000));

export const words = {
  policy_unreadable: (): Words => ({
    zh: '控制策略文件读不出来，因此不下发关停指令。',
    en: 'The policy files cannot be read, so nothing is switched off.',
  }),
  clock_unsure: (): Words => ({
    zh: '网关时钟刚刚跳变，稳定之前不下发关停指令。',
    en: 'The gateway’s clock has jumped; nothing is switched off until it is steady.',
  }),
  arm_by_person_only: (): Words => ({
    zh: '允许开阀只能由人逐台下发，不能批量或定时。',
    en: 'A valve is armed by a person, one at a time, never by a batch or a schedule.',
  }),
  not_reachable: (): Words => ({
    zh: '终端现在不在线；允许开阀不排队等待。',
    en: 'The terminal cannot be reached now, and arming a valve never waits.',
  }),
  min_on_time: (leftMs: number): Words => ({
    zh: `刚开机不久，还须运行约 ${minutes(leftMs)} 分钟才能关。`,
    en: `It was switched on a short while ago and must run for about ${minutes(leftMs)} more min.`,
  }),
  min_off_time: (leftMs: number): Words => ({
    zh: `刚关机不久，约 ${minutes(leftMs)} 分钟后才能再开。`,
    en: `It was switched off a short while ago and can start again in about ${minutes(leftMs)} min.`,
  }),
  max_starts: (most: number): Words => ({
    zh: `一小时内已启动 ${most} 次，达到上限。`,
    en: `It was started ${most} times within an hour, which is the most that it may be.`,
  }),
  room_too_cold: (roomC: number, belowC: number): Words => ({
    zh: `室温 ${c(roomC)}，低于 ${c(belowC)}，不能关停。`,
    en: `The room has ${c(roomC)}, below ${c(belowC)}: heat is not taken away.`,
  }),
  room_unknown: (ageMs: number): Words => ({
    zh: `最近一次室温是 ${minutes(ageMs)} 分钟前的，无法判断室内是否够暖。`,
    en: `The last room temperature is ${minutes(ageMs)} min old, so nobody knows whether the room is warm enough.`,
  }),
  weather_unknown: (ageMs: number | undefined): Words => ({
    zh: `${ageMs === undefined ? '还没有天气数据' : `天气数据已有 ${minutes(ageMs)} 分钟没有更新`}，无法判断是否过冷。`,
    en: `${ageMs === undefined ? 'There is no weather yet' : `The weather is ${minutes(ageMs)} min old`}, so nobody knows whether it is too cold.`,
  }),
  arrears_notices: (given: number, needed: number, between: number, afterLast: number): Words => ({
    zh: `欠费停用须先催缴 ${needed} 次，每次间隔至少 ${between} 天，最后一次满 ${afterLast} 天；现在算数的有 ${given} 次。`,
    en: `For arrears, ${needed} notices come first, at least ${between} days apart, the last ${afterLast} days ago; ${given} count so far.`,
  }),
  nothing_owed: (): Words => ({ zh: '该户没有欠费。', en: 'The household owes nothing.' }),
  reason_required: (): Words => ({
    zh: '此时关停须写明原因，并由第二人审批。',
    en: 'To take heat away now needs a reason, and a second person.',
  }),
  cold: (what: 'outdoor' | 'forecast', isC: number, belowC: number): Words =>
    what === 'outdoor'
      ? {
          zh: `室外 ${c(isC)}，低于 ${c(belowC)}：须第二人审批。`,
          en: `Outdoors it is ${c(isC)}, below ${c(belowC)}: a second person must approve.`,
        }
      : {
          zh: `未来 24 小时最低 ${c(isC)}，低于 ${c(belowC)}：须第二人审批。`,
          en: `Down to ${c(isC)} is forecast for 24 h, below ${c(belowC)}: a second person must approve.`,
        },
  quiet_hours: (from: string, to: string): Words => ({
    zh: `现在是 ${from}–${to} 的安静时段：须第二人审批。`,
    en: `These are the quiet hours from ${from} to ${to}: a second person must approve.`,
  }),
  before_holiday: (day: string): Words => ({
    zh: `${day} 是节假日，节前和节日期间：须第二人审批。`,
    en: `${day} is a holiday; on it and before it a second person must approve.`,
  }),
  vulnerable_household: (): Words => ({
    zh: '该户已标记为重点照顾住户：须第二人审批。',
    en: 'The household is marked as vulnerable: a second person must approve.',
  }),
  mass_off: (count: number, most: number, company: boolean): Words => ({
    zh: `加上这次，${company ? '该企业' : ''}一小时内关停 ${count} 台，超过 ${most} 台：须第二人审批。`,
    en: `With this, ${count} terminals${company ? ' of the company' : ''} are off within the hour, more than ${most}: a second person must approve.`,
  }),
  no_such_command: (profile: string): Words => ({
    zh: `这种终端（${profile}）没有这个指令，或不接受这个值。`,
    en: `Such a terminal (${profile}) has no such command, or does not take this value.`,
  }),
  moved: (): Words => ({
    zh: '终端在批次确定之后已拆除或换了住户，因此跳过。',
    en: 'The terminal was removed or moved after the batch was decided, so it is left out.',
  }),
} satisfies Record<Rule, (...facts: never[]) => Words>;
