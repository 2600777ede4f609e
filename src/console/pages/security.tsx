import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { TableColumnsType } from 'antd';
import type { SecurityEventView } from '../../http/schemas/security.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { Moment } from '../parts/age.tsx';
import { RecordPage } from '../parts/record-page.tsx';
import { RefusalFilters } from '../parts/refusal-filters.tsx';
import { TerminalLink } from '../parts/terminal-link.tsx';
import { type SecurityFilter, securityQuery } from '../queries.ts';
import { useNarrow } from '../use-media.ts';

const route = getRouteApi('/shell/security');

function Who({ terminalId, address }: SecurityEventView) {
  return (
    <>
      {terminalId !== null && <TerminalLink id={terminalId} />} <span className="quiet">{address}</span>
    </>
  );
}

function useColumns(): TableColumnsType<SecurityEventView> {
  const { t, language } = useLanguage();
  const narrow = useNarrow();
  const kinds = t('security.kinds', { returnObjects: true });
  const wide: TableColumnsType<SecurityEventView> = [
    { title: t('security.lastAt'), key: 'last', render: (_, { lastAt }) => <Moment time={lastAt} /> },
    { title: t('security.who'), key: 'who', render: (_, event) => <Who {...event} /> },
  ];
  return [
    ...(narrow ? [] : wide),
    {
      title: t('security.what'),
      key: 'kind',
      render: (_, event) => (
        <>
          <strong>{wordFor(kinds, event.kind)}</strong>
          {narrow && (
            <div>
              <Who {...event} /> <Moment time={event.lastAt} />
            </div>
          )}
          <div className="words quiet" lang="en">
            {event.detail}
          </div>
        </>
      ),
    },
    {
      title: <span className="nowrap">{t('security.count')}</span>,
      key: 'count',
      align: 'right',
      render: (_, { count }) => count.toLocaleString(language),
    },
  ];
}

function Filters() {
  const { t } = useLanguage();
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const change = (part: SecurityFilter) =>
    void navigate({ search: (present) => ({ ...present, ...part }), replace: true });
  return (
    <RefusalFilters
      terminalId={filter.terminalId}
      onTerminal={(terminalId) => change({ terminalId })}
      label={t('security.what')}
      all={t('security.allKinds')}
      words={t('security.kinds', { returnObjects: true })}
      chosen={filter.kind}
      onChoose={(kind) => change({ kind })}
    />
  );
}

export function SecurityPage() {
  const { t } = useLanguage();
  const query = useInfiniteQuery(securityQuery(route.useSearch()));
  return (
    <RecordPage
      title={t('security.title')}
      hint={t('security.hint')}
      none={t('security.none')}
      rowKey="id"
      columns={useColumns()}
      query={query}
    >
      <Filters />
    </RecordPage>
  );
}
