import { Checkbox, Input, Segmented } from 'antd';
import { useId } from 'react';
import type { NewSchedule, Schedule } from '../../http/schemas/schedules.ts';
import { useLanguage, wordFor } from '../i18n.ts';

/** When a schedule runs: once, or on days of every week. */

const DAYS = [1, 2, 3, 4, 5, 6, 7] as const;

const OFFSET_MS = 8 * 3_600_000;
const inShanghai = (at: string): string => new Date(Date.parse(at) + OFFSET_MS).toISOString().slice(0, 16);

/** `moment` and `time` as the browser's fields have them: 2026-11-24T06:30 and 06:30. */
export type When = { by: 'weekly' | 'once'; days: number[]; time: string; moment: string };
export const NEVER: When = { by: 'weekly', days: [], time: '', moment: '' };

/** Undefined while something is missing. */
export function timesOf({ by, days, time, moment }: When): Pick<NewSchedule, 'at' | 'weekly'> | undefined {
  if (by === 'once') return moment === '' ? undefined : { at: new Date(`${moment}+08:00`).toISOString() };
  return days.length === 0 || time === '' ? undefined : { weekly: { days: days.toSorted((a, b) => a - b), time } };
}

/** The times of a schedule as the fields have them. */
export const whenOf = ({ at, weekly }: Pick<Schedule, 'at' | 'weekly'>): When => ({
  by: at === null ? 'weekly' : 'once',
  days: weekly?.days ?? [],
  time: weekly?.time ?? '',
  moment: at === null ? '' : inShanghai(at),
});

export function WhenFields({ when, change }: { when: When; change: (part: Partial<When>) => void }) {
  const { t } = useLanguage();
  const field = useId();
  const names = t('schedule.days', { returnObjects: true });
  return (
    <>
      <Segmented<When['by']>
        aria-label={t('schedule.when')}
        value={when.by}
        options={(['weekly', 'once'] as const).map((by) => ({ value: by, label: t(`schedule.by.${by}`) }))}
        onChange={(by) => change({ by })}
      />
      <div className="filters">
        {when.by === 'once' ? (
          <>
            <label htmlFor={field}>{t('schedule.moment')}</label>
            <Input
              id={field}
              className="filter-day"
              type="datetime-local"
              value={when.moment}
              onChange={(event) => change({ moment: event.target.value })}
            />
          </>
        ) : (
          <>
            <Checkbox.Group<number>
              className="wide"
              aria-label={t('schedule.whichDays')}
              value={when.days}
              options={DAYS.map((day) => ({ value: day, label: wordFor(names, String(day)) }))}
              onChange={(days) => change({ days })}
            />
            <label htmlFor={field}>{t('schedule.time')}</label>
            <Input
              id={field}
              className="filter-status"
              type="time"
              value={when.time}
              onChange={(event) => change({ time: event.target.value })}
            />
          </>
        )}
      </div>
    </>
  );
}
