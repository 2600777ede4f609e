import type { Role } from './schema.ts';
import type { Purpose } from './schema-commands.ts';

/** The rows of schedules: a command at a time, once or every week. */

export const RUN_STATES = ['ran', 'held', 'refused', 'missed'] as const;
type RunState = (typeof RUN_STATES)[number];

export interface ScheduleRow {
  id: string;
  areaCode: string | null;
  /** JSON of a list; null for an area. */
  terminalIds: string | null;
  profile: string | null;
  kind: string | null;
  command: string;
  /** JSON of the value. */
  value: string;
  reason: string;
  purpose: Purpose | null;
  expiresInS: number;
  /** JSON of a `Recurrence`. */
  recurrence: string;
  active: number;
  /** Counts what people change, so that nobody overwrites what they have not seen. */
  version: number;
  /** Null when it is over. */
  nextAt: number | null;
  requestedBy: string;
  requestedById: string;
  /** What whoever asked for it may reach. */
  role: Role;
  companyId: string | null;
  createdAt: number;
  removedAt: number | null;
}

export interface ScheduleRunRow {
  id: string;
  scheduleId: string;
  dueAt: number;
  at: number;
  state: RunState;
  batchId: string | null;
  /** Why it was refused, or that more were missed: a code. */
  detail: string | null;
}

export interface ScheduleTables {
  schedules: ScheduleRow;
  scheduleRuns: ScheduleRunRow;
}
