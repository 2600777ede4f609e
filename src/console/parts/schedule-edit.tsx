import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Modal } from 'antd';
import { useState } from 'react';
import type { Schedule, ScheduleChange } from '../../http/schemas/schedules.ts';
import { patch } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { CACHE } from '../queries.ts';
import { Failure } from './failure.tsx';
import { timesOf, WhenFields, whenOf } from './when-fields.tsx';
import { NOTHING, What } from './wish-fields.tsx';

/** `seen` is as it was when the person began: what somebody else changes meanwhile is not overwritten. */
function EditForm({ seen, onClose }: { seen: Schedule; onClose: () => void }) {
  const { t } = useLanguage();
  const client = useQueryClient();
  const { version, command, value, reason, profile } = seen;
  const [asked, setAsked] = useState({ ...NOTHING, command, value, reason, profile: profile ?? undefined });
  const [when, setWhen] = useState(whenOf(seen));
  const times = timesOf(when);
  const isWhole = times && asked.value !== undefined && asked.reason.trim() !== '';
  const change = useMutation({
    mutationFn: (wanted: ScheduleChange) => patch<Schedule>(`/schedules/${encodeURIComponent(seen.id)}`, wanted),
    onSuccess: onClose,
    onSettled: () => client.invalidateQueries({ queryKey: [CACHE.schedules] }),
  });
  return (
    <Modal
      open
      title={t('schedule.editTitle')}
      okText={t('schedule.create')}
      okButtonProps={{ disabled: !isWhole }}
      cancelText={t('action.back')}
      confirmLoading={change.isPending}
      onOk={() => change.mutate({ version, value: asked.value, reason: asked.reason.trim(), ...times })}
      onCancel={onClose}
    >
      <div className="confirm">
        <What
          asked={asked}
          change={({ value: next = asked.value, reason: why = asked.reason }) =>
            setAsked({ ...asked, value: next, reason: why })
          }
          fixed
        />
        <WhenFields when={when} change={(part) => setWhen((before) => ({ ...before, ...part }))} />
        <p className="quiet">{t('schedule.editNote')}</p>
        {change.error && <Failure error={change.error} />}
      </div>
    </Modal>
  );
}

/** One that is over can be given a new time. */
export function EditSchedule({ schedule, what }: { schedule: Schedule; what: string }) {
  const { t } = useLanguage();
  const [seen, setSeen] = useState<Schedule>();
  return (
    <>
      <Button size="small" aria-label={t('schedule.editOf', { what })} onClick={() => setSeen(schedule)}>
        {t('schedule.edit')}
      </Button>
      {seen && <EditForm seen={seen} onClose={() => setSeen(undefined)} />}
    </>
  );
}
