import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Card } from 'antd';
import { useState } from 'react';
import type { NewSchedule, Schedule } from '../../http/schemas/schedules.ts';
import { post } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { useIntent } from '../intent.ts';
import { CACHE } from '../queries.ts';
import { dateTime } from '../time.ts';
import { Failure } from './failure.tsx';
import { NEVER, timesOf, type When, WhenFields } from './when-fields.tsx';
import { type Asked, NOTHING, What, Which, wishOf } from './wish-fields.tsx';

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
