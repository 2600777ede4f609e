import type { AuditEntry } from '../audit/audit.ts';
import type { OwingHousehold } from '../billing/arrears.ts';
import type { ShownBill } from '../billing/bills.ts';
import type { DayUse } from '../billing/meter-use.ts';
import type { BillLine as Line } from '../billing/pricing.ts';
import type { ShownProposal } from '../billing/proposals.ts';
import type { AuditAction } from '../db/schema-audit.ts';
import type { BillingRunRow, BillRow, NoticeRow } from '../db/schema-bills.ts';
import { rfc3339 } from '../lib/calendar.ts';
import { fromFen } from '../lib/money.ts';
import { unitOf } from '../lib/units.ts';
import type { Bill, BillingRun, BillLine, FullBill, Notice, Owing } from './schemas/bills.ts';
import type { Proposal } from './schemas/proposals.ts';
import { orNull } from './views.ts';

/** How bills and what belongs to them look in the API. */

export const billView = ({
  name,
  lines: _,
  checkedAt: _at,
  postedChargeFen,
  postedSubsidyFen,
  ...row
}: ShownBill): Bill => ({
  ...row,
  householdName: name,
  totalFen: row.chargeFen - row.subsidyFen,
  postedFen: postedChargeFen - postedSubsidyFen,
  madeAt: rfc3339(row.madeAt),
});

/** What the audit says of a bill that a person issued. */
export const auditOfBill = (
  action: AuditAction,
  { id, companyId, householdId, period, postedChargeFen, postedSubsidyFen, replaces }: BillRow,
  actor: string,
  reason: string,
): AuditEntry => ({
  actor,
  action,
  subject: id,
  companyId,
  detail: { householdId, period, amountFen: postedChargeFen - postedSubsidyFen, replaces, reason },
});

export const billLinesView = (text: string): BillLine[] => {
  const lines: Line[] = JSON.parse(text);
  return lines.map((line) => ({ ...line, unit: unitOf(line.metric) ?? '' }));
};

export const billUsageView = (usage: { terminalId: string; metric: string; days: DayUse[] }[]): FullBill['usage'] =>
  usage.map(({ terminalId, metric, days }) => ({
    terminalId,
    metric,
    unit: unitOf(metric) ?? '',
    days: days.map(({ day, thousandths, quality }) => ({ day, amount: thousandths / 1_000, quality })),
  }));

export const billingRunView = ({ afterHousehold: _, gatewayId: _id, ...row }: BillingRunRow): BillingRun => ({
  ...row,
  dryRun: row.dryRun === 1,
  progress: row.state === 'done' || row.households === 0 ? 1 : Math.min(1, row.seen / row.households),
  createdAt: rfc3339(row.createdAt),
  finishedAt: orNull(row.finishedAt),
});

export const noticeView = (row: NoticeRow): Notice => ({ ...row, at: rfc3339(row.at), overAt: orNull(row.overAt) });

export const owingView = ({ id, name, owedFen, notices, ...household }: OwingHousehold): Owing => ({
  ...household,
  householdId: id,
  householdName: name,
  owedFen: fromFen(owedFen),
  notices: notices.map(noticeView),
});

export const proposalView = ({ name, balanceFen, madeAt, decidedAt, ...row }: ShownProposal): Proposal => ({
  ...row,
  householdName: name,
  balanceFen: fromFen(balanceFen),
  madeAt: rfc3339(madeAt),
  decidedAt: orNull(decidedAt),
});
