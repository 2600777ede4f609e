import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Card, Checkbox, Input, Segmented } from 'antd';
import { useId, useState } from 'react';
import type { NewSchedule, Schedule } from '../../http/schemas/schedules.ts';
import { post } from '../api.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { useIntent } from '../intent.ts';
import { CACHE } from '../queries.ts';
import { dateTime } from '../time.ts';
import { Failure } from './failure.tsx';
import { type Asked, NOTHING, What, Which, wishOf } from './wish-fields.tsx';

const DAYS = [1, 2, 3, 4, 5, 6, 7] as const;

/** `moment` and `time` as the browser's fields have them: 2026-11-24T06:30 and 06:30. */
type When = { by: 'weekly' | 'once'; days: number[]; time: string; moment: string };
const NEVER: When = { by: 'weekly', days: [], time: '', moment: '' };

/** Undefined while something is missing. */
function timesOf({ by, days, time, moment }: When): Pick<NewSchedule, 'at' | 'weekly'> | undefined {
  if (by === 'once') return moment === '' ? undefined : { at: new Date(`${moment}+08:00`).toISOString() };
  return days.length === 0 || time === '' ? undefined : { weekly: { days: days.toSorted((a, b) => a - b), time } };
}

function WhenFields({ when, change }: { when: When; change: (part: Partial<When>) => void }) {
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

/** Whether it may be at all is the gateway's to say, and it says why. */
export function ScheduleForm() {
  const { t, language } = useLanguage();
  const client = useQueryClient();
  const intent = useIntent();
  const [asked, setAsked] = useState(NOTHING);
  const [when, setWhen] = useState(NEVER);
  const wish = wishOf(asked);
  const times = timesOf(when);
  const body = wish && times && { ...wish, ...times };
  const create = useMutation({
    mutationFn: (wanted: NewSchedule) => post<Schedule>('/schedules', wanted, intent.keyFor(wanted)),
    onSuccess: () => {
      intent.done();
      setAsked(NOTHING);
      setWhen(NEVER);
      return client.invalidateQueries({ queryKey: [CACHE.schedules] });
    },
    onError: intent.failed,
  });
  const change = (part: Partial<Asked>) => {
    setAsked((before) => ({ ...before, ...part }));
    create.reset();
  };
  const changeWhen = (part: Partial<When>) => {
    setWhen((before) => ({ ...before, ...part }));
    create.reset();
  };
  return (
    <Card size="small" title={t('schedule.fresh')}>
      <Which asked={asked} change={change} />
      <What asked={asked} change={change} />
      <WhenFields when={when} change={changeWhen} />
      <Button
        className="before"
        type="primary"
        disabled={!body}
        loading={create.isPending}
        onClick={() => body && create.mutate(body)}
      >
        {t('schedule.create')}
      </Button>
      {create.error && <Failure error={create.error} />}
      {create.data && create.data.nextAt !== null && (
        <Alert
          type="success"
          showIcon
          title={t('schedule.created', { time: dateTime(create.data.nextAt, language) })}
        />
      )}
    </Card>
  );
}
