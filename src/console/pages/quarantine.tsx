import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { TableColumnsType } from 'antd';
import type { Quarantined } from '../../http/schemas/readings.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { Moment } from '../parts/age.tsx';
import { QuarantineCounts } from '../parts/quarantine-counts.tsx';
import { RecordPage } from '../parts/record-page.tsx';
import { RefusalFilters } from '../parts/refusal-filters.tsx';
import { Requeue } from '../parts/requeue.tsx';
import { TerminalLink } from '../parts/terminal-link.tsx';
import { type QuarantineFilter, quarantineQuery } from '../queries.ts';
import { useNarrow } from '../use-media.ts';
import { mayRequeue, useUser } from '../user.ts';

const route = getRouteApi('/shell/quarantine');

function useColumns(): TableColumnsType<Quarantined> {
  const { t } = useLanguage();
  const reasons = t('quarantine.reasons', { returnObjects: true });
  const narrow = useNarrow();
  const timeAndTerminal: TableColumnsType<Quarantined> = [
    { title: t('quarantine.time'), key: 'time', render: (_, { receivedAt }) => <Moment time={receivedAt} /> },
    { title: t('terminal.id'), key: 'terminal', render: (_, { terminalId }) => <TerminalLink id={terminalId} /> },
  ];
  return [
    ...(narrow ? [] : timeAndTerminal),
    {
      title: t('quarantine.reason'),
      key: 'reason',
      render: (_, { reason, metric, detail, frame, receivedAt, terminalId }) => (
        <>
          {narrow && (
            <div>
              <TerminalLink id={terminalId} /> <Moment time={receivedAt} />
            </div>
          )}
          <strong>{wordFor(reasons, reason)}</strong> {metric !== null && <code className="words">{metric}</code>}
          <div className="words quiet" lang="en">
            {detail}
          </div>
          <details className="frame">
            <summary>{t('quarantine.showFrame')}</summary>
            <pre>{frame}</pre>
          </details>
        </>
      ),
    },
  ];
}

function Filters() {
  const { t } = useLanguage();
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const change = (part: QuarantineFilter) =>
    void navigate({ search: (present) => ({ ...present, ...part }), replace: true });
  return (
    <RefusalFilters
      terminalId={filter.terminalId}
      onTerminal={(terminalId) => change({ terminalId })}
      label={t('quarantine.reason')}
      all={t('quarantine.allReasons')}
      words={t('quarantine.reasons', { returnObjects: true })}
      chosen={filter.reason}
      onChoose={(reason) => change({ reason })}
    >
      {mayRequeue(useUser()) && <Requeue filter={filter} />}
    </RefusalFilters>
  );
}

export function QuarantinePage() {
  const { t } = useLanguage();
  const filter = route.useSearch();
  const query = useInfiniteQuery(quarantineQuery(filter));
  return (
    <RecordPage
      title={t('quarantine.title')}
      hint={t('quarantine.hint')}
      none={t('quarantine.none')}
      rowKey="id"
      columns={useColumns()}
      query={query}
    >
      <Filters />
      <QuarantineCounts filter={filter} />
    </RecordPage>
  );
}
