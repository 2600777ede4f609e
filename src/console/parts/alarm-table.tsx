import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Table, type TableColumnsType, Tag } from 'antd';
import type { Alarm } from '../../http/schemas/live.ts';
import { post } from '../api.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { applyAlarm } from '../live-cache.ts';
import { CACHE } from '../queries.ts';
import { dateTime } from '../time.ts';
import { useNarrow } from '../use-media.ts';
import { mayAcknowledge, useUser } from '../user.ts';
import { Age, Moment } from './age.tsx';
import { Failure } from './failure.tsx';
import { TerminalLink } from './terminal-link.tsx';

function Acknowledge({ alarm, name }: { alarm: Alarm; name: string }) {
  const { t } = useLanguage();
  const client = useQueryClient();
  const acknowledge = useMutation({
    mutationFn: () => post<Alarm>(`/alarms/${encodeURIComponent(alarm.id)}/acknowledge`, {}),
    onSuccess: (acknowledged) => {
      applyAlarm(client, acknowledged);
      void client.invalidateQueries({ queryKey: [CACHE.overview] });
    },
  });
  return (
    <>
      <Button
        size="small"
        loading={acknowledge.isPending}
        aria-label={t('alarm.acknowledgeOf', { alarm: name, id: alarm.terminalId })}
        onClick={() => acknowledge.mutate()}
      >
        {t('alarm.acknowledge')}
      </Button>
      {acknowledge.error && <Failure error={acknowledge.error} />}
    </>
  );
}

function Handled({ alarm }: { alarm: Alarm }) {
  const { t, language } = useLanguage();
  return (
    <>
      {alarm.acknowledgedAt !== null && (
        <div>
          {t('alarm.by', {
            who: alarm.acknowledgedBy ?? t('value.none'),
            time: dateTime(alarm.acknowledgedAt, language),
          })}
        </div>
      )}
      {alarm.closedAt !== null && <div>{t('alarm.closedAt', { time: dateTime(alarm.closedAt, language) })}</div>}
    </>
  );
}

/** What the terminal said about it, in its own words. */
function Said({ data }: { data: NonNullable<Alarm['data']> }) {
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  return (
    <div className="words quiet">
      {Object.entries(data)
        .map(([name, value]) => `${name}: ${text(value)}`)
        .join(' · ')}
    </div>
  );
}

function Opened({ time }: { time: string }) {
  return (
    <>
      <Moment time={time} />{' '}
      <span className="quiet">
        (<Age time={time} />)
      </span>
    </>
  );
}

function useColumns(): TableColumnsType<Alarm> {
  const { t } = useLanguage();
  const user = useUser();
  const names = t('alarm.names', { returnObjects: true });
  const narrow = useNarrow();
  const terminalAndTime: TableColumnsType<Alarm> = [
    { title: t('terminal.id'), key: 'terminal', render: (_, { terminalId }) => <TerminalLink id={terminalId} /> },
    { title: t('alarm.openedAt'), key: 'openedAt', render: (_, { openedAt }) => <Opened time={openedAt} /> },
  ];
  return [
    {
      title: t('alarm.name'),
      key: 'alarm',
      render: (_, { alarm, severity, terminalId, openedAt, data }) => (
        <>
          <Tag color={severity === 'critical' ? 'red' : 'orange'}>
            <span aria-hidden="true">{severity === 'critical' ? '▲' : '!'}</span> {t(`alarm.severities.${severity}`)}
          </Tag>{' '}
          <span className="words">{wordFor(names, alarm)}</span>
          {data !== null && <Said data={data} />}
          {narrow && (
            <div>
              <TerminalLink id={terminalId} />
              <br />
              <Opened time={openedAt} />
            </div>
          )}
        </>
      ),
    },
    ...(narrow ? [] : terminalAndTime),
    {
      title: t('alarm.handled'),
      key: 'handled',
      render: (_, alarm) =>
        alarm.state === 'open' && mayAcknowledge(user) ? (
          <Acknowledge alarm={alarm} name={wordFor(names, alarm.alarm)} />
        ) : (
          <Handled alarm={alarm} />
        ),
    },
  ];
}

export function AlarmTable({ alarms }: { alarms: Alarm[] }) {
  const { t } = useLanguage();
  return (
    <Table<Alarm>
      size="small"
      rowKey="id"
      aria-label={t('alarm.title')}
      columns={useColumns()}
      dataSource={alarms}
      pagination={false}
    />
  );
}
