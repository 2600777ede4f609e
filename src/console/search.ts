import type { Alarm } from '../http/schemas/live.ts';
import type { Proposal } from '../http/schemas/proposals.ts';
import type { TerminalStatus } from '../http/schemas/terminals.ts';

/** What stands in the address after `?`: whoever typed it, only what a page understands goes on. The router has made numbers of some of it. */
type Raw = Record<string, unknown>;

const text = (raw: unknown): string | undefined => {
  const given = typeof raw === 'string' || typeof raw === 'number' ? String(raw) : '';
  return given === '' ? undefined : given;
};

function oneOf<T extends string>(choices: readonly T[], raw: unknown): T | undefined {
  return choices.find((choice) => choice === raw);
}

export const STATUSES = ['online', 'offline', 'unknown'] as const satisfies TerminalStatus[];
export const ALARM_STATES = ['open', 'acknowledged', 'closed'] as const satisfies Alarm['state'][];

type Optional<T> = { [K in keyof T]?: T[K] | undefined };
export type TerminalSearch = Optional<{ areaCode: string; status: TerminalStatus; profile: string; search: string }>;
export type HouseholdSearch = Optional<{ areaCode: string; search: string }>;

export const terminalSearch = (raw: Raw): TerminalSearch => ({
  areaCode: text(raw['areaCode']),
  status: oneOf(STATUSES, raw['status']),
  profile: text(raw['profile']),
  search: text(raw['search']),
});

export const householdSearch = (raw: Raw): HouseholdSearch => ({
  areaCode: text(raw['areaCode']),
  search: text(raw['search']),
});

export const alarmSearch = (raw: Raw): Optional<{ state: Alarm['state'] }> => ({
  state: oneOf(ALARM_STATES, raw['state']),
});

export type LineSearch = Optional<{ search: string; troubled: 'true' | 'false' }>;
export const lineSearch = (raw: Raw): LineSearch => ({
  search: text(raw['search']),
  troubled: oneOf(['true', 'false'] as const, String(raw['troubled'])),
});

export const quarantineSearch = (raw: Raw): Optional<{ terminalId: string; reason: string }> => ({
  terminalId: text(raw['terminalId']),
  reason: text(raw['reason']),
});

export const securitySearch = (raw: Raw): Optional<{ terminalId: string; kind: string }> => ({
  terminalId: text(raw['terminalId']),
  kind: text(raw['kind']),
});

const day = (raw: unknown): string | undefined => {
  const given = text(raw) ?? '';
  return /^\d{4}-\d\d-\d\d$/.test(given) && !Number.isNaN(Date.parse(given)) ? given : undefined;
};

export type DepositSearch = Optional<{ from: string; to: string; areaCode: string; companyId: string }>;
export const depositSearch = (raw: Raw): DepositSearch => ({
  from: day(raw['from']),
  to: day(raw['to']),
  areaCode: text(raw['areaCode']),
  companyId: text(raw['companyId']),
});

export type AccountsSearch = Optional<{ from: string; to: string; companyId: string }>;
export const accountsSearch = (raw: Raw): AccountsSearch => ({
  from: day(raw['from']),
  to: day(raw['to']),
  companyId: text(raw['companyId']),
});

export type AuditSearch = Optional<{ terminalId: string; actor: string; action: string; from: string; to: string }>;
export const auditSearch = (raw: Raw): AuditSearch => ({
  terminalId: text(raw['terminalId']),
  actor: text(raw['actor']),
  action: text(raw['action']),
  from: day(raw['from']),
  to: day(raw['to']),
});

export const DIFFERENCE_STATES = ['open', 'explained'] as const;
export const HELD_STATES = ['held', 'resolved'] as const;
export type HeldState = (typeof HELD_STATES)[number];
export type ReconciliationSearch = Optional<{ state: (typeof DIFFERENCE_STATES)[number]; held: HeldState }>;
export const reconciliationSearch = (raw: Raw): ReconciliationSearch => ({
  state: oneOf(DIFFERENCE_STATES, raw['state']),
  held: oneOf(HELD_STATES, raw['held']),
});

export const TAKINGS_BY = ['clerk', 'area', 'day'] as const;
export type TakingsBy = (typeof TAKINGS_BY)[number];
export type TakingsSearch = DepositSearch & Optional<{ by: TakingsBy; method: string; receivedBy: string }>;
export const takingsSearch = (raw: Raw): TakingsSearch => ({
  ...depositSearch(raw),
  by: oneOf(TAKINGS_BY, raw['by']),
  method: text(raw['method']),
  receivedBy: text(raw['receivedBy']),
});

export const PROPOSAL_STATES = ['open', 'accepted', 'dismissed', 'over'] as const satisfies Proposal['state'][];
export type ProposalSearch = Optional<{ state: Proposal['state']; areaCode: string; companyId: string }>;
export const proposalSearch = (raw: Raw): ProposalSearch => ({
  state: oneOf(PROPOSAL_STATES, raw['state']),
  areaCode: text(raw['areaCode']),
  companyId: text(raw['companyId']),
});

export const importSearch = (raw: Raw): Optional<{ id: string }> => ({ id: text(raw['id']) });

export const billingSearch = (raw: Raw): Optional<{ id: string }> => ({ id: text(raw['id']) });

export type ArrearsSearch = Optional<{ areaCode: string; companyId: string }>;
export const arrearsSearch = (raw: Raw): ArrearsSearch => ({
  areaCode: text(raw['areaCode']),
  companyId: text(raw['companyId']),
});

export const setupSearch = (raw: Raw): Optional<{ token: string }> => ({ token: text(raw['token']) });

/** Only a path of this site: a link that signs someone in must not lead them away. */
export const loginSearch = (raw: Raw): Optional<{ from: string }> => {
  const from = text(raw['from']);
  return { from: from?.startsWith('/') && !/^\/[/\\]/.test(from) ? from : undefined };
};
