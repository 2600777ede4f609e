import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Table, type TableColumnsType } from 'antd';
import type { Quarantined } from '../../http/schemas/readings.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { Moment } from '../parts/age.tsx';
import { Paged } from '../parts/paged.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { TerminalLink } from '../parts/terminal-link.tsx';
import { quarantineQuery } from '../queries.ts';
import { useNarrow } from '../use-narrow.ts';

const route = getRouteApi('/shell/quarantine');

function QuarantineTable({ items }: { items: Quarantined[] }) {
  const { t } = useLanguage();
  const reasons = t('quarantine.reasons', { returnObjects: true });
  const narrow = useNarrow();
  const timeAndTerminal: TableColumnsType<Quarantined> = [
    { title: t('quarantine.time'), key: 'time', render: (_, { receivedAt }) => <Moment time={receivedAt} /> },
    { title: t('terminal.id'), key: 'terminal', render: (_, { terminalId }) => <TerminalLink id={terminalId} /> },
  ];
  const columns: TableColumnsType<Quarantined> = [
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
  return (
    <Table<Quarantined>
      size="small"
      rowKey="id"
      aria-label={t('quarantine.title')}
      columns={columns}
      dataSource={items}
      pagination={false}
    />
  );
}

export function QuarantinePage() {
  const { t } = useLanguage();
  const { terminalId } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <>
      <h1 className="title">{t('quarantine.title')}</h1>
      <p className="quiet">{t('quarantine.hint')}</p>
      <search className="filters">
        <SearchBox
          label={t('terminal.id')}
          value={terminalId ?? ''}
          onChange={(text) => void navigate({ search: { terminalId: text.trim() || undefined }, replace: true })}
        />
      </search>
      <Paged query={useInfiniteQuery(quarantineQuery(terminalId))} empty={t('quarantine.none')}>
        {(items) => <QuarantineTable items={items} />}
      </Paged>
    </>
  );
}
