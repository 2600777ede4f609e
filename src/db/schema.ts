import type { AuditTables } from './schema-audit.ts';
import type { BatchTables } from './schema-batches.ts';
import type { BillingTables } from './schema-billing.ts';
import type { BillTables } from './schema-bills.ts';
import type { CommandTables } from './schema-commands.ts';
import type { ImportTables } from './schema-imports.ts';
import type { OrderTables } from './schema-orders.ts';
import type { ScheduleTables } from './schema-schedules.ts';

/** The rows. Columns are snake_case in SQL and camelCase here; times are epoch ms, money fen, truth values 0 or 1. */

export const ROLES = ['admin', 'operator', 'company', 'resident'] as const;
export type Role = (typeof ROLES)[number];

export const AREA_LEVELS = ['county', 'township', 'village', 'cell'] as const;
export type AreaLevel = (typeof AREA_LEVELS)[number];

export interface AreaRow {
  code: string;
  name: string;
  level: AreaLevel;
  parent: string | null;
  personName: string | null;
  personPhone: string | null;
}

export interface CompanyRow {
  id: string;
  name: string;
  createdAt: number;
}

export interface HouseholdRow {
  id: string;
  accountNo: string;
  name: string;
  areaCode: string;
  companyId: string;
  address: string | null;
  phone: string | null;
  vulnerable: number;
  /** The import that made it. */
  importId: string | null;
  createdAt: number;
}

/** What a user or API key may reach; exactly one is set, or none for an admin. */
export interface ScopeColumns {
  role: Role;
  companyId: string | null;
  areaCode: string | null;
  householdId: string | null;
}

export interface UserRow extends ScopeColumns {
  id: string;
  username: string;
  passwordHash: string;
  createdAt: number;
}

interface SessionRow {
  tokenHash: string;
  userId: string;
  expiresAt: number;
}

export interface ApiKeyRow extends ScopeColumns {
  id: string;
  name: string;
  keyHash: string;
  /** The user who made it; null of one that is older than this column. */
  createdBy: string | null;
  createdAt: number;
}

export interface TerminalRow {
  id: string;
  profile: string;
  householdId: string | null;
  companyId: string | null;
  areaCode: string | null;
  /** JSON of the connection. */
  connection: string;
  secretHash: string | null;
  /** The same secret in the form that Mosquitto keeps. */
  brokerHash: string | null;
  /** The secret before, which works until the new one was used, or this time. */
  previousHash: string | null;
  previousUntil: number | null;
  /** Since when it waits to be claimed; null when it is in service. */
  unclaimedSince: number | null;
  claimHash: string | null;
  claimUntil: number | null;
  /** The import that made it. */
  importId: string | null;
  /** The sequence of its newest command. */
  commandSequence: number;
  /** Since when it stands in its household, when it stood elsewhere before. */
  householdSince: number | null;
  /** A reading before this is refused. */
  installedAt: number | null;
  createdAt: number;
  removedAt: number | null;
}

/** The secret of a terminal that signs with it, readable only with the installation's key. */
interface SealedSecretRow {
  terminalId: string;
  sealed: string;
}

interface AnswerRow {
  caller: string;
  key: string;
  bodyHash: string;
  response: string;
  createdAt: number;
}

export interface QuarantineRow {
  id: string;
  terminalId: string;
  receivedAt: number;
  reason: string;
  metric: string | null;
  detail: string;
  /** The row that holds the whole frame, when that can be put in again. */
  frameId: string | null;
  frame: string;
}

/** How often something was refused, also of rows that are no longer kept. */
export interface QuarantineCountRow {
  terminalId: string;
  reason: string;
  /** Empty where no metric is meant. */
  metric: string;
  count: number;
  firstAt: number;
  lastAt: number;
}

export interface MeterExchangeRow {
  id: string;
  terminalId: string;
  metric: string;
  at: number;
  lastValue: number;
  firstValue: number;
  reason: string | null;
  recordedBy: string;
  recordedAt: number;
}

export interface AlarmRow {
  id: string;
  terminalId: string;
  alarm: string;
  severity: 'warning' | 'critical';
  openedAt: number;
  acknowledgedAt: number | null;
  acknowledgedBy: string | null;
  closedAt: number | null;
  /** JSON of what the terminal's event said; null for an alarm from a limit. */
  data: string | null;
}

export const SECURITY_KINDS = [
  /** A topic that is not its own, to publish or to subscribe to. */
  'foreign_topic',
  'wrong_credentials',
  /** Right credentials of another terminal than the one that it says to be. */
  'wrong_id',
  /** What MQTT does not allow. */
  'malformed',
  /** More than a terminal may send; it is read more slowly. */
  'flood',
  /** A second client with the credentials of one that is connected took its place. */
  'takeover',
  /** One that connects again and again is kept out for minutes. */
  'flapping',
  'bad_certificate',
  'too_many_connections',
  /** What came as a payment provider's and was not signed by it. */
  'forged_notification',
] as const;
export type SecurityKind = (typeof SECURITY_KINDS)[number];

export interface SecurityEventRow {
  id: string;
  kind: SecurityKind;
  terminalId: string | null;
  address: string | null;
  detail: string;
  firstAt: number;
  lastAt: number;
  count: number;
}

/** A gateway on this database. */
interface GatewayRow {
  id: string;
  /** Host and data folder. */
  place: string;
  /** Whether it is set up to run beside others: 0 or 1. */
  sharing: number;
  /** Its last sign of life, by the database's clock; 0 when it stopped. */
  beatAt: number;
}

export interface Tables
  extends AuditTables,
    BatchTables,
    BillingTables,
    BillTables,
    OrderTables,
    CommandTables,
    ImportTables,
    ScheduleTables {
  areas: AreaRow;
  companies: CompanyRow;
  households: HouseholdRow;
  users: UserRow;
  sessions: SessionRow;
  apiKeys: ApiKeyRow;
  terminals: TerminalRow;
  sealedSecrets: SealedSecretRow;
  /** First answers to requests with an Idempotency-Key. */
  answers: AnswerRow;
  quarantine: QuarantineRow;
  quarantineCounts: QuarantineCountRow;
  meterExchanges: MeterExchangeRow;
  alarms: AlarmRow;
  securityEvents: SecurityEventRow;
  gateways: GatewayRow;
}
