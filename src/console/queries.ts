import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { AuditEntry, AuditState } from '../http/schemas/audit.ts';
import type { Batch, BatchItem, BatchItemState } from '../http/schemas/batches.ts';
import type { Account, HouseholdUsage, LedgerEntry, Payment, Receipt } from '../http/schemas/billing.ts';
import type { Bill, BillingRun, BillingTrouble, FullBill, Owing } from '../http/schemas/bills.ts';
import type { ClockState } from '../http/schemas/clock.ts';
import type { Command, Judgement } from '../http/schemas/commands.ts';
import type { DepositStatement } from '../http/schemas/deposits.ts';
import type { Alarm } from '../http/schemas/live.ts';
import type { LineDetail, LineList, LineView } from '../http/schemas/modbus.ts';
import type {
  Difference,
  PaymentNotification,
  PaymentOrder,
  PaymentOrderSummary,
  PaymentProviders,
  Reconciliation,
} from '../http/schemas/payment-orders.ts';
import type { Area, AreaOverview, Company, Household, User } from '../http/schemas/people.ts';
import type { Proposal } from '../http/schemas/proposals.ts';
import type { CredentialState, FileImport, ImportError } from '../http/schemas/provisioning.ts';
import type { QuarantineCount, Quarantined, Readings, Usage } from '../http/schemas/readings.ts';
import type { AccountReport, Takings } from '../http/schemas/reports.ts';
import type { Schedule, ScheduleRun } from '../http/schemas/schedules.ts';
import type { SecurityEventView } from '../http/schemas/security.ts';
import type { ProfileView, Terminal } from '../http/schemas/terminals.ts';
import { get, type Page, type Query } from './api.ts';
import { now } from './clock.ts';
import type { Range } from './ranges.ts';
import type { ArrearsSearch, AuditSearch, ProposalSearch, TakingsSearch } from './search.ts';

const PAGE_SIZE = 50;
const RECENT_COMMANDS = 10;
/** Things that change when someone edits a file on the gateway. */
const SELDOM_MS = 10 * 60_000;
const OVERVIEW_MS = 15_000;
/** The live stream shows a command's progress; this is for when the stream is broken. */
const COMMAND_MS = 5_000;
const IMPORT_MS = 1_000;
const HELD_MS = 15_000;
const LINES_MS = 5_000;
const AUDIT_MS = 5_000;
const ORDER_MS = 2_000;

/** The first words of the cache's keys, which the live stream writes to. */
export const CACHE = {
  terminals: 'terminals',
  terminal: 'terminal',
  commands: 'commands',
  held: 'held',
  batches: 'batches',
  batch: 'batch',
  batchItems: 'batch-items',
  schedules: 'schedules',
  clock: 'clock',
  alarms: 'alarms',
  overview: 'overview',
  quarantine: 'quarantine',
  imports: 'imports',
  import: 'import',
  credentials: 'credentials',
  account: 'account',
  payments: 'payments',
  ledger: 'ledger',
  orders: 'orders',
  order: 'order',
  reconciliations: 'reconciliations',
  differences: 'differences',
  notifications: 'notifications',
  proposals: 'proposals',
} as const;

const IN_FLIGHT: ReadonlySet<Command['state']> = new Set(['held', 'queued', 'sent', 'acknowledged'] as const);

function pages<T>(key: readonly unknown[], path: string, query: Query) {
  return infiniteQueryOptions({
    queryKey: [...key, query],
    queryFn: ({ signal, pageParam }) =>
      get<Page<T>>(path, { ...query, limit: PAGE_SIZE, cursor: pageParam || undefined }, signal),
    initialPageParam: '',
    getNextPageParam: (last: Page<T>) => last.nextCursor,
    placeholderData: keepPreviousData,
  });
}

function one<T>(key: readonly unknown[], path: string, query: Query = {}) {
  return queryOptions({ queryKey: [...key, query], queryFn: ({ signal }) => get<T>(path, query, signal) });
}

/** What the gateway says about the caller; an API key has no more than this. */
export type Me = Omit<User, 'createdAt'>;
export const meQuery = (token: string) => ({ ...one<Me>(['me', token], '/me'), staleTime: Number.POSITIVE_INFINITY });
export const profilesQuery = () => ({
  ...one<{ items: ProfileView[] }>(['profiles'], '/profiles'),
  staleTime: SELDOM_MS,
});
export const areasQuery = () => ({ ...one<{ items: Area[] }>(['areas'], '/areas'), staleTime: SELDOM_MS });
export const companyQuery = (id: string) => ({
  ...one<Company>(['company', id], `/companies/${encodeURIComponent(id)}`),
  staleTime: SELDOM_MS,
});
export const overviewQuery = (code: string) => ({
  ...one<AreaOverview>([CACHE.overview, code], `/areas/${code}/overview`),
  refetchInterval: OVERVIEW_MS,
});

export type TerminalFilter = {
  areaCode?: string | undefined;
  householdId?: string | undefined;
  profile?: string | undefined;
  status?: Terminal['status'] | undefined;
  search?: string | undefined;
};
export const terminalsQuery = (filter: TerminalFilter) => pages<Terminal>([CACHE.terminals], '/terminals', filter);
export const terminalQuery = (id: string) =>
  one<Terminal>([CACHE.terminal, id], `/terminals/${encodeURIComponent(id)}`);

/** The end is “now” of each fetch, so it is no part of the key. */
export const readingsQuery = (id: string, metric: string, range: Range) =>
  queryOptions({
    queryKey: ['readings', id, metric, range.name],
    queryFn: ({ signal }) => {
      const to = now();
      const span = { from: new Date(to - range.lengthMs).toISOString(), to: new Date(to).toISOString() };
      const query = { metric, ...span, every: range.every, aggregate: 'mean' };
      return get<Readings>(`/terminals/${encodeURIComponent(id)}/readings`, query, signal);
    },
    refetchInterval: range.refetchMs,
  });

export const commandsQuery = (terminalId: string) => ({
  ...one<Page<Command>>([CACHE.commands, terminalId], '/commands', { terminalId, limit: RECENT_COMMANDS }),
  refetchInterval: (query: { state: { data: Page<Command> | undefined } }) =>
    query.state.data?.items.some((command) => IN_FLIGHT.has(command.state)) ? COMMAND_MS : false,
});

export const householdsQuery = (filter: { areaCode?: string | undefined; search?: string | undefined }) =>
  pages<Household>(['households'], '/households', filter);
export const householdQuery = (id: string) =>
  one<Household>(['household', id], `/households/${encodeURIComponent(id)}`);
export const accountQuery = (id: string) =>
  one<Account>([CACHE.account, id], `/households/${encodeURIComponent(id)}/account`);
export const paymentsQuery = (id: string) =>
  pages<Payment>([CACHE.payments, id], `/households/${encodeURIComponent(id)}/payments`, {});
export const LEDGER_ACCOUNTS = ['heating', 'deposit', 'subsidy'] as const;
export type LedgerAccount = (typeof LEDGER_ACCOUNTS)[number];
export const ledgerQuery = (id: string, account: LedgerAccount) =>
  pages<LedgerEntry>([CACHE.ledger, id], `/households/${encodeURIComponent(id)}/ledger`, { account });
export const receiptQuery = (id: string) =>
  one<Receipt>(['receipt', id], `/payments/${encodeURIComponent(id)}/receipt`);

export const householdBillsQuery = (id: string) =>
  pages<Bill>(['bills', id], `/households/${encodeURIComponent(id)}/bills`, {});
export const heldBillsQuery = (runId: string) => pages<Bill>(['bills', 'held'], '/bills', { runId, state: 'held' });
export const billQuery = (id: string) => one<FullBill>(['bill', id], `/bills/${encodeURIComponent(id)}`);
export const companiesQuery = () => one<Page<Company>>(['companies'], '/companies', { limit: 500 });
export const runsQuery = () => pages<BillingRun>(['billing-runs'], '/billing-runs', {});
export const runQuery = (id: string) => ({
  ...one<BillingRun>(['billing-run', id], `/billing-runs/${encodeURIComponent(id)}`),
  refetchInterval: (query: { state: { data: BillingRun | undefined } }) =>
    query.state.data?.finishedAt === null ? IMPORT_MS : false,
});
export const runTroublesQuery = (id: string) =>
  pages<BillingTrouble>(['billing-troubles', id], `/billing-runs/${encodeURIComponent(id)}/troubles`, {});
export const arrearsQuery = (filter: ArrearsSearch) => pages<Owing>(['arrears'], '/arrears', filter);
export const proposalsQuery = (filter: ProposalSearch) => pages<Proposal>([CACHE.proposals], '/proposals', filter);
export const providersQuery = () => ({
  ...one<PaymentProviders>(['payment-providers'], '/payment-providers'),
  staleTime: SELDOM_MS,
});
export const ordersQuery = (householdId: string) =>
  pages<PaymentOrderSummary>(
    [CACHE.orders, householdId],
    `/households/${encodeURIComponent(householdId)}/payment-orders`,
    {},
  );
export const orderQuery = (made: PaymentOrder) => ({
  ...one<PaymentOrder>([CACHE.order, made.id], `/payment-orders/${encodeURIComponent(made.id)}`),
  refetchInterval: (query: { state: { data: PaymentOrder | undefined } }) =>
    (query.state.data ?? made).state === 'open' ? ORDER_MS : false,
});
export const reconciliationsQuery = () => pages<Reconciliation>([CACHE.reconciliations], '/reconciliations', {});
export const differencesQuery = (state: Difference['state']) =>
  pages<Difference>([CACHE.differences], '/reconciliations/differences', { state });
export const notificationsQuery = (state: PaymentNotification['state']) =>
  pages<PaymentNotification>([CACHE.notifications], '/payment-notifications', { state });

export const alarmsQuery = (state: Alarm['state']) => pages<Alarm>([CACHE.alarms], '/alarms', { state });
export type LineFilter = { search?: string | undefined; troubled?: string | undefined };
export const linesQuery = (filter: LineFilter) => ({
  ...pages<LineView>(['lines'], '/modbus/lines', filter),
  refetchInterval: LINES_MS,
});
export const lineTotalsQuery = () => ({
  ...one<LineList>(['lines', 'totals'], '/modbus/lines', { limit: 1 }),
  refetchInterval: LINES_MS,
});
export const lineQuery = (id: string) => ({
  ...one<LineDetail>(['line', id], `/modbus/lines/${encodeURIComponent(id)}`),
  refetchInterval: LINES_MS,
});

export type QuarantineFilter = { terminalId?: string | undefined; reason?: string | undefined };
export const quarantineQuery = (filter: QuarantineFilter) =>
  pages<Quarantined>([CACHE.quarantine], '/quarantine', filter);
export const quarantineCountsQuery = (filter: QuarantineFilter, limit: number) =>
  one<{ items: QuarantineCount[] }>([CACHE.quarantine, 'counts'], '/quarantine/counts', { ...filter, limit });

export type SecurityFilter = { terminalId?: string | undefined; kind?: string | undefined };
export const securityQuery = (filter: SecurityFilter) =>
  pages<SecurityEventView>(['security'], '/security-events', filter);

export type AuditFilter = AuditSearch;
export const auditQuery = (filter: AuditFilter) => pages<AuditEntry>(['audit'], '/audit', filter);
export const auditStateQuery = () => ({
  ...one<AuditState>(['audit-state'], '/audit/state'),
  refetchInterval: AUDIT_MS,
});

type Days = { from: string; to: string };
type Place = { areaCode?: string | undefined; companyId?: string | undefined };
export const depositsQuery = (filter: Days & Place) =>
  one<{ items: DepositStatement[] }>(['deposits'], '/reports/deposits', filter);
export const accountsQuery = (filter: Days & { companyId?: string | undefined }) =>
  one<AccountReport>(['accounts'], '/reports/accounts', filter);
export const takingsQuery = (filter: Days & TakingsSearch) => one<Takings>(['takings'], '/reports/takings', filter);
export const terminalUsageQuery = (id: string, metric: string, days: Days) =>
  one<Usage>(['usage', id, metric], `/terminals/${encodeURIComponent(id)}/usage`, { ...days, metric, every: '1d' });
export const householdUsageQuery = (id: string, days: Days) =>
  one<HouseholdUsage>(['household-usage', id], `/households/${encodeURIComponent(id)}/usage`, { ...days, every: '1d' });

/** What waits for a second person; most pages' stream tells only of what they show. */
export const heldQuery = () => ({
  ...pages<Command>([CACHE.held], '/commands', { state: 'held' }),
  refetchInterval: HELD_MS,
});
export const batchesQuery = (state?: Batch['state']) => ({
  ...pages<Batch>([CACHE.batches], '/command-batches', { state }),
  refetchInterval: HELD_MS,
});
/** The live stream shows a batch's progress; this is for when the stream is broken, or another gateway gives it out. */
export const batchQuery = (id: string) => ({
  ...one<Batch>([CACHE.batch, id], `/command-batches/${encodeURIComponent(id)}`),
  refetchInterval: (query: { state: { data: Batch | undefined } }) =>
    query.state.data?.state === 'running' ? COMMAND_MS : HELD_MS,
});
export const batchItemsQuery = (id: string, state: BatchItemState | undefined) => ({
  ...pages<BatchItem>([CACHE.batchItems, id], `/command-batches/${encodeURIComponent(id)}/items`, { state }),
  refetchInterval: COMMAND_MS,
});

/** Looked at more often while it is not trusted, so that the notice counts down. */
export const clockQuery = () => ({
  ...one<ClockState>([CACHE.clock], '/clock'),
  refetchInterval: (query: { state: { data: ClockState | undefined } }) =>
    query.state.data?.trouble ? COMMAND_MS : HELD_MS,
});

export const schedulesQuery = () => ({
  ...pages<Schedule>([CACHE.schedules], '/schedules', {}),
  refetchInterval: HELD_MS,
});
export const scheduleRunsQuery = (id: string) => ({
  ...pages<ScheduleRun>(['schedule-runs', id], `/schedules/${encodeURIComponent(id)}/runs`, {}),
  refetchInterval: HELD_MS,
});

/** What would become of a command now. */
export const judgementQuery = (
  terminalId: string,
  command: string,
  value: string,
  more: { purpose?: string; reason?: string } = {},
) => ({
  ...one<Judgement>(['judgement', terminalId], `/terminals/${encodeURIComponent(terminalId)}/commands/judgement`, {
    command,
    value,
    ...more,
  }),
  gcTime: 0,
});

export const importsQuery = () => pages<FileImport>([CACHE.imports], '/imports', {});
export const importQuery = (id: string) => ({
  ...one<FileImport>([CACHE.import, id], `/imports/${encodeURIComponent(id)}`),
  refetchInterval: (query: { state: { data: FileImport | undefined } }) =>
    query.state.data?.finishedAt === null ? IMPORT_MS : false,
});
export const importErrorsQuery = (id: string) =>
  pages<ImportError>(['import-errors', id], `/imports/${encodeURIComponent(id)}/errors`, {});
export const credentialsQuery = (id: string) =>
  one<CredentialState>([CACHE.credentials, id], `/terminals/${encodeURIComponent(id)}/credentials`);
