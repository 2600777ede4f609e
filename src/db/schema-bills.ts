/** The rows of bills. Amounts are fen, days are such as `2026-11-01` in Asia/Shanghai, truth values 0 or 1. */

export interface HouseholdTariffRow {
  householdId: string;
  metric: string;
  /** The first day on which it holds. */
  since: string;
  tariff: string;
  /** The day of each year on which its tiers begin again, where that is not the tariff's: `11-01`. */
  tierReset: string | null;
  setBy: string;
  setAt: number;
}

export const BILLING_MODES = ['postpaid', 'prepaid'] as const;
type BillingMode = (typeof BILLING_MODES)[number];

export interface BillingModeRow {
  /** A household, or a company for all of its households that have none of their own. */
  subjectId: string;
  since: string;
  mode: BillingMode;
  /** How far below zero a prepaid balance may fall before a proposal is made. */
  emergencyCreditFen: number;
  setBy: string;
  setAt: number;
}

export interface UsageCorrectionRow {
  id: string;
  terminalId: string;
  metric: string;
  day: string;
  /** Units, exact, as text. */
  amount: string;
  reason: string;
  correctedBy: string;
  correctedAt: number;
}

export const RUN_KINDS = ['monthly', 'rebill', 'daily'] as const;
export type RunKind = (typeof RUN_KINDS)[number];

export const RUN_STATES = ['running', 'done', 'cancelled', 'failed'] as const;

/** What is made of some households of a company. */
export interface BillingRunRow {
  id: string;
  kind: RunKind;
  companyId: string;
  /** `2026-11` */
  period: string;
  /** The last day that is billed. */
  through: string;
  dryRun: number;
  state: (typeof RUN_STATES)[number];
  gatewayId: string;
  requestedBy: string;
  reason: string | null;
  createdAt: number;
  finishedAt: number | null;
  /** It goes on after this one; households are billed in the order of their ids. */
  afterHousehold: string;
  households: number;
  seen: number;
  made: number;
  held: number;
  unchanged: number;
  failed: number;
  amountFen: number;
  detail: string | null;
}

export const TROUBLE_KINDS = ['no_meter', 'no_tariff', 'several_tariffs', 'failed'] as const;

export interface BillingTroubleRow {
  id: string;
  runId: string;
  householdId: string;
  code: (typeof TROUBLE_KINDS)[number];
  detail: string | null;
}

export const BILL_STATES = ['issued', 'held', 'replaced'] as const;

export interface BillRow {
  id: string;
  householdId: string;
  companyId: string;
  period: string;
  firstDay: string;
  lastDay: string;
  state: (typeof BILL_STATES)[number];
  runId: string | null;
  /** The bill in whose place it came, and why. */
  replaces: string | null;
  reason: string | null;
  chargeFen: number;
  /** Above zero. */
  subsidyFen: number;
  /** What its ledger entry moved: the difference to what was charged for the period before. */
  postedChargeFen: number;
  postedSubsidyFen: number;
  /** Days of a meter whose use is estimated or missing. */
  doubtfulDays: number;
  /** JSON of its lines. */
  lines: string;
  madeAt: number;
  madeBy: string;
  checkedAt: number;
  /** By how much it would be another if it were made now; null when nothing else was found. */
  lateFen: number | null;
}

/** What one counter had counted when a bill was made, so that a later one can show the difference. */
interface BillUsageRow {
  billId: string;
  terminalId: string;
  metric: string;
  firstDay: string;
  /** JSON: for each day thousandths of a unit. */
  thousandths: string;
  /** A letter for each day. */
  qualities: string;
}

/** A terminal of which something came or was changed that bears on a month that is over. */
export interface LateUseRow {
  terminalId: string;
  /** The earliest time that it concerns. Epoch ms. */
  fromTime: number;
  firstNotedAt: number;
  notedAt: number;
}

/** What a prepaid household was charged for a day: the difference of the month so far. */
export interface DailyChargeRow {
  householdId: string;
  day: string;
  period: string;
  chargeFen: number;
  subsidyFen: number;
  chargedAt: number;
}

export const NOTICE_STEPS = ['low_balance', 'reminder', 'second_reminder', 'final_notice'] as const;

export interface NoticeRow {
  id: string;
  householdId: string;
  step: (typeof NOTICE_STEPS)[number];
  at: number;
  owedFen: number;
  givenBy: string;
  /** When nothing was owed any more. */
  overAt: number | null;
}

/** `accepted`: a person asked for the command; `over`: nothing is owed any more. */
export const PROPOSAL_STATES = ['open', 'accepted', 'dismissed', 'over'] as const;
export const PROPOSAL_CAUSES = ['final_notice', 'credit_used_up'] as const;

/** What people may decide; nothing follows from it by itself. */
export interface ProposalRow {
  id: string;
  householdId: string;
  kind: 'switch_off';
  /** Why it was made; null of one that is older than this column. */
  cause: (typeof PROPOSAL_CAUSES)[number] | null;
  state: (typeof PROPOSAL_STATES)[number];
  owedFen: number;
  madeAt: number;
  decidedAt: number | null;
  decidedBy: string | null;
  /** What the person who decided said. */
  reason: string | null;
  /** What was asked for when it was accepted. */
  commandId: string | null;
}

export interface BillTables {
  householdTariffs: HouseholdTariffRow;
  billingModes: BillingModeRow;
  usageCorrections: UsageCorrectionRow;
  billingRuns: BillingRunRow;
  billingTroubles: BillingTroubleRow;
  bills: BillRow;
  billUsage: BillUsageRow;
  lateUse: LateUseRow;
  dailyCharges: DailyChargeRow;
  notices: NoticeRow;
  proposals: ProposalRow;
}
