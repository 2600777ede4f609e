import { Button, Table, type TableColumnsType } from 'antd';
import { useState } from 'react';
import type { Schedule } from '../../http/schemas/schedules.ts';
import { useAreas } from '../areas.ts';
import { useAnyCommandText } from '../command-text.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { useProfileTitle } from '../profiles.ts';
import { dateTime } from '../time.ts';
import { useNarrow } from '../use-media.ts';
import { Moment } from './age.tsx';
import { EditSchedule } from './schedule-edit.tsx';
import { ScheduleRuns } from './schedule-runs.tsx';
import { RemoveSchedule, ScheduleSwitch } from './schedule-switch.tsx';
import { TerminalLink } from './terminal-link.tsx';

function Where({ schedule: { areaCode, terminalIds, profile } }: { schedule: Schedule }) {
  const { t } = useLanguage();
  const { nameOf } = useAreas();
  const titleOf = useProfileTitle();
  const [only, ...others] = terminalIds ?? [];
  return (
    <>
      {areaCode !== null && nameOf(areaCode)}
      {only !== undefined && others.length === 0 && <TerminalLink id={only} />}
      {others.length > 0 && t('schedule.byTerminals', { n: others.length + 1 })}
      {profile !== null && ` · ${titleOf(profile)}`}
    </>
  );
}

function useTimes(): (schedule: Schedule) => string {
  const { t, language } = useLanguage();
  const names = t('schedule.days', { returnObjects: true });
  return ({ at, weekly }) => {
    if (at !== null) return t('schedule.once', { time: dateTime(at, language) });
    const { days = [], time = '' } = weekly ?? {};
    const all = days.map((day) => wordFor(names, String(day))).join(t('schedule.daySeparator'));
    return t('schedule.weekly', { days: days.length === 7 ? t('schedule.everyDay') : all, time });
  };
}

function Next({ schedule: { active, nextAt } }: { schedule: Schedule }) {
  const { t } = useLanguage();
  if (nextAt === null) return <span className="quiet">{t('schedule.over')}</span>;
  return active ? <Moment time={nextAt} /> : <span className="quiet">{t('schedule.setAside')}</span>;
}

export function ScheduleTable({ schedules }: { schedules: Schedule[] }) {
  const { t } = useLanguage();
  const text = useAnyCommandText();
  const times = useTimes();
  const narrow = useNarrow();
  const [opened, setOpened] = useState<readonly string[]>([]);
  const toggle = (id: string) =>
    setOpened((before) => (before.includes(id) ? before.filter((each) => each !== id) : [...before, id]));
  const next: TableColumnsType<Schedule> = [
    { title: t('schedule.next'), key: 'next', render: (_, schedule) => <Next schedule={schedule} /> },
  ];
  const columns: TableColumnsType<Schedule> = [
    {
      title: t('schedule.what'),
      key: 'what',
      render: (_, schedule) => (
        <>
          <strong>{text(schedule)}</strong> <Where schedule={schedule} />
          <div>{times(schedule)}</div>
          {narrow && (
            <div>
              {t('schedule.next')}: <Next schedule={schedule} />
            </div>
          )}
          <div className="words">{schedule.reason}</div>
          <div className="quiet">{t('batch.asked', { who: schedule.requestedBy })}</div>
          <div className="buttons">
            <Button size="small" aria-expanded={opened.includes(schedule.id)} onClick={() => toggle(schedule.id)}>
              {t('schedule.runs')}
            </Button>
            <EditSchedule schedule={schedule} what={text(schedule)} />
            <RemoveSchedule schedule={schedule} what={text(schedule)} />
            <ScheduleSwitch schedule={schedule} what={text(schedule)} />
          </div>
        </>
      ),
    },
    ...(narrow ? [] : next),
  ];
  return (
    <Table<Schedule>
      size="small"
      rowKey="id"
      aria-label={t('schedule.title')}
      columns={columns}
      dataSource={schedules}
      pagination={false}
      expandable={{
        showExpandColumn: false,
        expandedRowKeys: opened,
        expandedRowRender: (schedule) => (
          <ScheduleRuns id={schedule.id} label={t('schedule.runsOf', { what: text(schedule) })} />
        ),
      }}
    />
  );
}
