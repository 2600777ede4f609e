import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Select, Table, type TableColumnsType } from 'antd';
import type { SecurityEventView } from '../../http/schemas/security.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { Moment } from '../parts/age.tsx';
import { Paged } from '../parts/paged.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { TerminalLink } from '../parts/terminal-link.tsx';
import { type SecurityFilter, securityQuery } from '../queries.ts';
import { useNarrow } from '../use-narrow.ts';

const route = getRouteApi('/shell/security');

function Who({ terminalId, address }: SecurityEventView) {
  return (
    <>
      {terminalId !== null && <TerminalLink id={terminalId} />} <span className="quiet">{address}</span>
    </>
  );
}

function SecurityTable({ items }: { items: SecurityEventView[] }) {
  const { t, language } = useLanguage();
  const narrow = useNarrow();
  const kinds = t('security.kinds', { returnObjects: true });
  const wide: TableColumnsType<SecurityEventView> = [
    { title: t('security.lastAt'), key: 'last', render: (_, { lastAt }) => <Moment time={lastAt} /> },
    { title: t('security.who'), key: 'who', render: (_, event) => <Who {...event} /> },
  ];
  const columns: TableColumnsType<SecurityEventView> = [
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
  return (
    <Table<SecurityEventView>
      size="small"
      rowKey="id"
      aria-label={t('security.title')}
      columns={columns}
      dataSource={items}
      pagination={false}
    />
  );
}

function Filters() {
  const { t } = useLanguage();
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const kinds = Object.entries(t('security.kinds', { returnObjects: true }));
  const change = (part: SecurityFilter) =>
    void navigate({ search: (present) => ({ ...present, ...part }), replace: true });
  return (
    <search className="filters">
      <SearchBox
        label={t('terminal.id')}
        value={filter.terminalId ?? ''}
        onChange={(text) => change({ terminalId: text.trim() || undefined })}
      />
      <Select
        className="filter-reason"
        aria-label={t('security.what')}
        placeholder={t('security.allKinds')}
        value={filter.kind ?? null}
        options={kinds.map(([kind, words]) => ({ value: kind, label: words }))}
        allowClear
        onChange={(kind) => change({ kind: kind ?? undefined })}
      />
    </search>
  );
}

export function SecurityPage() {
  const { t } = useLanguage();
  const filter = route.useSearch();
  return (
    <>
      <h1 className="title">{t('security.title')}</h1>
      <p className="quiet">{t('security.hint')}</p>
      <Filters />
      <Paged query={useInfiniteQuery(securityQuery(filter))} empty={t('security.none')}>
        {(items) => <SecurityTable items={items} />}
      </Paged>
    </>
  );
}
