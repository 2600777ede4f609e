import { type Caller, visibleSince } from '../areas/scope.ts';
import type { Database } from '../db/database.ts';
import { type Page, pageOf } from '../db/page.ts';
import type { MeterExchangeRow } from '../db/schema.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { Terminal } from './registry.ts';

/** Meters behind a terminal that people exchanged: what the old one showed last, and the new one first. */

export interface NewMeterExchange {
  metric: string;
  /** Epoch ms. */
  at: number;
  lastValue: number;
  firstValue: number;
  reason?: string | undefined;
}

export function createMeterExchanges({
  db,
  clock,
  onRecorded,
}: {
  db: Database;
  clock: Clock;
  /** It is written, and what was counted around it is another now. */
  onRecorded: (counters: { terminalId: string; time: number }[]) => Promise<void>;
}) {
  return {
    /** Throws when it is no counter, or is out of the counter's range, or lies in the future or before the installation, or is known already. */
    async record(caller: Caller, terminal: Terminal, exchange: NewMeterExchange): Promise<MeterExchangeRow> {
      const { profile, metrics } = terminal.profile;
      const { metric, at, lastValue, firstValue, reason } = exchange;
      const counter = Object.hasOwn(metrics, metric) ? metrics[metric] : undefined;
      if (counter?.kind !== 'counter') throw new GatewayError('invalid_request', `${profile} has no counter ${metric}`);
      const { rollsOverAt } = counter;
      if (Math.max(lastValue, firstValue) > rollsOverAt) {
        throw new GatewayError('value_not_allowed', `${metric} counts from 0 to ${rollsOverAt}`);
      }
      if (at > clock.now()) throw new GatewayError('invalid_request', 'at is in the future');
      if (terminal.installedAt !== null && at < terminal.installedAt) {
        throw new GatewayError('invalid_request', 'at is before the installation of the terminal');
      }
      const row: MeterExchangeRow = {
        id: newId('mex'),
        terminalId: terminal.id,
        metric,
        at,
        lastValue,
        firstValue,
        reason: reason ?? null,
        recordedBy: caller.name,
        recordedAt: clock.now(),
      };
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('meterExchanges')
        .values(row)
        .onConflict((conflict) => conflict.columns(['terminalId', 'metric', 'at']).doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 0n) throw new GatewayError('conflict', 'An exchange at this time is known');
      await onRecorded([{ terminalId: terminal.id, time: at }]);
      return row;
    },

    /** The newest first. */
    async list(caller: Caller, terminal: Terminal, { limit, cursor }: Page) {
      let query = db.selectFrom('meterExchanges').selectAll().where('terminalId', '=', terminal.id);
      const since = visibleSince(caller, terminal);
      if (Number.isFinite(since)) query = query.where('at', '>=', since);
      if (cursor) query = query.where('id', '<', cursor);
      return pageOf(
        await query
          .orderBy('id', 'desc')
          .limit(limit + 1)
          .execute(),
        limit,
      );
    },

    /** Of several terminals, in the order of their times. */
    ofEach: (terminalIds: string[]): Promise<MeterExchangeRow[]> =>
      db.selectFrom('meterExchanges').selectAll().where('terminalId', 'in', terminalIds).orderBy('at').execute(),

    /** Of one counter, in the order of their times. */
    of: (terminalId: string, metric: string): Promise<MeterExchangeRow[]> =>
      db
        .selectFrom('meterExchanges')
        .selectAll()
        .where('terminalId', '=', terminalId)
        .where('metric', '=', metric)
        .orderBy('at')
        .execute(),
  };
}
export type MeterExchanges = ReturnType<typeof createMeterExchanges>;
