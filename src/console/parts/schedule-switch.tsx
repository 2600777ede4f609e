import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Modal, Switch } from 'antd';
import { useState } from 'react';
import type { Schedule } from '../../http/schemas/schedules.ts';
import { patch, remove } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { CACHE } from '../queries.ts';
import { Failure } from './failure.tsx';

const pathOf = ({ id }: Schedule) => `/schedules/${encodeURIComponent(id)}`;

/** On and off; one that is over has neither. */
export function ScheduleSwitch({ schedule, what }: { schedule: Schedule; what: string }) {
  const { t } = useLanguage();
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: (active: boolean) => patch<Schedule>(pathOf(schedule), { version: schedule.version, active }),
    onSettled: () => client.invalidateQueries({ queryKey: [CACHE.schedules] }),
  });
  if (schedule.nextAt === null) return null;
  return (
    <>
      <Switch
        aria-label={t('schedule.switch', { what })}
        checkedChildren={t('schedule.on')}
        unCheckedChildren={t('schedule.off')}
        checked={schedule.active}
        loading={change.isPending}
        onChange={(active) => change.mutate(active)}
      />
      {change.error && <Failure error={change.error} />}
    </>
  );
}

/** Asks first: what is deleted does not come back. */
export function RemoveSchedule({ schedule, what }: { schedule: Schedule; what: string }) {
  const { t } = useLanguage();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const removal = useMutation({
    mutationFn: () => remove(pathOf(schedule)),
    onSuccess: () => client.invalidateQueries({ queryKey: [CACHE.schedules] }),
  });
  return (
    <>
      <Button size="small" onClick={() => setAsking(true)}>
        {t('schedule.remove')}
      </Button>
      <Modal
        open={asking}
        title={t('schedule.removeTitle')}
        okText={t('schedule.remove')}
        okButtonProps={{ danger: true, autoFocus: false }}
        cancelText={t('action.back')}
        confirmLoading={removal.isPending}
        onOk={() => removal.mutate()}
        onCancel={() => setAsking(false)}
      >
        <div className="confirm">
          <p>
            <strong>{what}</strong>
          </p>
          <p className="quiet">{t('schedule.removeNote')}</p>
          {removal.error && <Failure error={removal.error} />}
        </div>
      </Modal>
    </>
  );
}
