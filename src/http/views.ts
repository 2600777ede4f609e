import { stateOf } from '../alarms/alarms.ts';
import { type Caller, visibleSince } from '../areas/scope.ts';
import type { Batch, BatchItem } from '../commands/batch-rows.ts';
import type { Command } from '../commands/commands.ts';
import type { Schedule } from '../commands/schedule-rows.ts';
import type { AlarmRow, AreaRow, HouseholdRow, MeterExchangeRow, UserRow } from '../db/schema.ts';
import type { ScheduleRunRow } from '../db/schema-schedules.ts';
import type { ImportProgress } from '../imports/imports.ts';
import { rfc3339 } from '../lib/calendar.ts';
import type { Clock } from '../lib/clock.ts';
import { unitOf } from '../lib/units.ts';
import type { Latest as LatestValues } from '../readings/latest.ts';
import { claimText } from '../terminals/claims.ts';
import type { Presence } from '../terminals/presence.ts';
import type { Profile } from '../terminals/profile.ts';
import { wakesAt } from '../terminals/profile-commands.ts';
import type { Registry, Terminal } from '../terminals/registry.ts';
import type { BatchItem as BatchItemView, Batch as BatchView } from './schemas/batches.ts';
import type { Command as CommandView } from './schemas/commands.ts';
import type { Alarm } from './schemas/live.ts';
import type { Area, Household, User } from './schemas/people.ts';
import type { FileImport as ImportView } from './schemas/provisioning.ts';
import type { MeterExchange } from './schemas/readings.ts';
import type { ScheduleRun as ScheduleRunView, Schedule as ScheduleView } from './schemas/schedules.ts';
import type { ClaimCode, Latest, ProfileView, Terminal as TerminalView } from './schemas/terminals.ts';

/** How things look in the API: times as RFC 3339, truth values as such, and nothing secret. */

export const orNull = (time: number | null): string | null => (time === null ? null : rfc3339(time));

export const userView = ({ id, username, role, companyId, areaCode, householdId, createdAt }: UserRow): User => ({
  id,
  username,
  role,
  companyId,
  areaCode,
  householdId,
  createdAt: rfc3339(createdAt),
});

export const householdView = (row: HouseholdRow): Household => ({
  ...row,
  vulnerable: row.vulnerable === 1,
  createdAt: rfc3339(row.createdAt),
});

export const areaView = ({ code, name, level, parent, personName, personPhone }: AreaRow): Area => ({
  code,
  name,
  level,
  parent,
  responsiblePerson:
    personName === null ? null : { name: personName, ...(personPhone !== null && { phone: personPhone }) },
});

export const alarmView = (row: AlarmRow): Alarm => ({
  ...row,
  state: stateOf(row),
  openedAt: rfc3339(row.openedAt),
  acknowledgedAt: orNull(row.acknowledgedAt),
  closedAt: orNull(row.closedAt),
  data: row.data === null ? null : JSON.parse(row.data),
});

export const meterExchangeView = (row: MeterExchangeRow): MeterExchange => ({
  ...row,
  at: rfc3339(row.at),
  recordedAt: rfc3339(row.recordedAt),
});

/** How commands look: those that wait for a terminal that sleeps say about when it wakes. */
export function createCommandView(parts: { registry: Registry; presence: Presence; clock: Clock }) {
  const { registry, presence, clock } = parts;

  function deliveryAt({ terminalId, state }: Command): number | null {
    const terminal = state === 'queued' || state === 'held' ? registry.find(terminalId) : undefined;
    return terminal ? wakesAt(terminal.profile, presence.lastSeenAt(terminalId), clock.now()) : null;
  }

  return function commandView(command: Command): CommandView {
    return {
      id: command.id,
      terminalId: command.terminalId,
      command: command.command,
      value: command.value,
      reason: command.reason,
      purpose: command.purpose,
      state: command.state,
      sequence: command.sequence,
      requestedBy: command.requestedBy,
      policyVersion: command.policyVersion,
      rules: command.rules,
      approvedBy: command.approvedBy,
      createdAt: rfc3339(command.createdAt),
      expiresAt: rfc3339(command.expiresAt),
      deliveryAt: orNull(deliveryAt(command)),
      history: command.history.map((step) => ({ ...step, at: rfc3339(step.at) })),
    };
  };
}

export function batchView(batch: Batch): BatchView {
  const { requestedById: _, countFrom: __, expiresInS: ___, createdAt, expiresAt, history, ...rest } = batch;
  return {
    ...rest,
    createdAt: rfc3339(createdAt),
    expiresAt: rfc3339(expiresAt),
    approvedAt: batch.approvedAt === null ? null : rfc3339(batch.approvedAt),
    history: history.map((step) => ({ ...step, at: rfc3339(step.at) })),
  };
}

export const batchItemView = ({ position: _, at, ...item }: BatchItem): BatchItemView => ({
  ...item,
  at: at === null ? null : rfc3339(at),
});

export function scheduleView(schedule: Schedule): ScheduleView {
  const { requestedById: _, role: __, removedAt: ___, recurrence, ...rest } = schedule;
  const { nextAt, createdAt } = schedule;
  return {
    ...rest,
    at: recurrence.kind === 'once' ? rfc3339(recurrence.at) : null,
    weekly: recurrence.kind === 'weekly' ? { days: [...recurrence.days], time: recurrence.time } : null,
    active: schedule.active === 1,
    nextAt: orNull(nextAt),
    createdAt: rfc3339(createdAt),
  };
}

export const scheduleRunView = ({ scheduleId: _, dueAt, at, ...run }: ScheduleRunRow): ScheduleRunView => ({
  ...run,
  dueAt: rfc3339(dueAt),
  at: rfc3339(at),
});

/** Values from where the terminal stood before are not a resident's to see. */
export function latestView(caller: Caller, terminal: Terminal, latest: LatestValues, presence: Presence): Latest {
  const since = visibleSince(caller, terminal);
  const values = [...latest.of(terminal.id)]
    .filter(([, { time }]) => time >= since)
    .map(([metric, { value, time }]) => [metric, { value, time: rfc3339(time) }] as const);
  return {
    status: presence.statusOf(terminal),
    lastSeenAt: orNull(presence.lastSeenAt(terminal.id)),
    values: Object.fromEntries(values),
  };
}

export function terminalView(
  caller: Caller,
  terminal: Terminal,
  latest: LatestValues,
  presence: Presence,
): TerminalView {
  const { id, profile, householdId, householdName, companyId, areaCode, connection, installedAt, createdAt } = terminal;
  return {
    id,
    profile: profile.profile,
    householdId,
    householdName,
    companyId,
    areaCode,
    connection,
    installedAt: orNull(installedAt),
    unclaimed: terminal.unclaimedSince !== null,
    createdAt: rfc3339(createdAt),
    ...latestView(caller, terminal, latest, presence),
  };
}

export const profileView = ({ profile, title, kind, protocol, sleeps, metrics, commands }: Profile): ProfileView => ({
  profile,
  title,
  kind,
  protocol,
  sleepsS: sleeps?.everyS ?? null,
  metrics: Object.fromEntries(
    Object.entries(metrics).map(([name, metric]) => [
      name,
      {
        title: metric.title,
        kind: metric.kind,
        unit: unitOf(name) ?? '',
        ...(metric.kind === 'gauge' && metric.names && { names: metric.names }),
      },
    ]),
  ),
  commands: Object.fromEntries(
    Object.entries(commands).map(([name, { title: words, values, range, confirm, maxExpiryS }]) => [
      name,
      {
        title: words,
        ...(values && { values: Object.keys(values) }),
        ...(range && { range }),
        confirm,
        ...(maxExpiryS !== undefined && { maxExpiryS }),
      },
    ]),
  ),
});

export const claimView = (id: string, code: string, until: number): ClaimCode => ({
  code,
  text: claimText(id, code),
  until: rfc3339(until),
});

export const importView = ({ progress, ...row }: ImportProgress): ImportView => ({
  id: row.id,
  kind: row.kind,
  state: row.state,
  progress: Math.min(1, Math.max(0, progress)),
  fileName: row.fileName,
  dryRun: row.dryRun === 1,
  unclaimed: row.unclaimed === 1,
  requestedBy: row.requestedName,
  rows: row.rowCount,
  created: row.created,
  unchanged: row.unchanged,
  booked: row.booked,
  errors: row.errors,
  detail: row.detail,
  createdAt: rfc3339(row.createdAt),
  finishedAt: orNull(row.finishedAt),
  credentialsUntil: row.dryRun === 1 || row.exportedAt !== null ? null : orNull(row.exportUntil),
  credentialsTakenAt: orNull(row.exportedAt),
});
