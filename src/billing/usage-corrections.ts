import type { Transaction } from 'kysely';
import type { Tables } from '../db/schema.ts';
import type { UsageCorrectionRow } from '../db/schema-bills.ts';
import { startOfDay } from '../lib/calendar.ts';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { Terminal } from '../terminals/registry.ts';
import type { LateUse } from './late-use.ts';

/** What a person knows better than the meter: the use of a day. The newest for a day holds in bills that are made from then on. */

export const createUsageCorrections =
  ({ clock, lateUse }: { clock: Clock; lateUse: LateUse }) =>
  async (
    transaction: Transaction<Tables>,
    terminal: Pick<Terminal, 'id' | 'profile'>,
    correction: Pick<UsageCorrectionRow, 'metric' | 'day' | 'amount' | 'reason'>,
    by: string,
  ): Promise<UsageCorrectionRow> => {
    const { profile, metrics } = terminal.profile;
    const counter = Object.hasOwn(metrics, correction.metric) ? metrics[correction.metric] : undefined;
    if (counter?.kind !== 'counter') {
      throw new GatewayError('invalid_request', `${profile} has no counter ${correction.metric}`);
    }
    const row = {
      id: newId('corr'),
      terminalId: terminal.id,
      ...correction,
      correctedBy: by,
      correctedAt: clock.now(),
    };
    await transaction.insertInto('usageCorrections').values(row).execute();
    await lateUse.note([{ terminalId: terminal.id, time: startOfDay(correction.day) }], transaction);
    return row;
  };
