import { useQuery } from '@tanstack/react-query';
import { Button, Card, Empty, Table, type TableColumnsType } from 'antd';
import { useState } from 'react';
import type { QuarantineCount } from '../../http/schemas/readings.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { type QuarantineFilter, quarantineCountsQuery } from '../queries.ts';
import { useNarrow } from '../use-media.ts';
import { Moment } from './age.tsx';
import { Loaded } from './loaded.tsx';
import { TerminalLink } from './terminal-link.tsx';

const SHOWN = 5;
const MOST = 100;

function Why({ reason, metric }: QuarantineCount) {
  const { t } = useLanguage();
  return (
    <>
      {wordFor(t('quarantine.reasons', { returnObjects: true }), reason)}{' '}
      {metric !== null && <code className="words">{metric}</code>}
    </>
  );
}

function CountTable({ items }: { items: QuarantineCount[] }) {
  const { t, language } = useLanguage();
  const narrow = useNarrow();
  const rest: TableColumnsType<QuarantineCount> = [
    { title: t('quarantine.reason'), key: 'reason', render: (_, item) => <Why {...item} /> },
    { title: t('quarantine.firstAt'), key: 'first', render: (_, { firstAt }) => <Moment time={firstAt} /> },
    { title: t('quarantine.lastAt'), key: 'last', render: (_, { lastAt }) => <Moment time={lastAt} /> },
  ];
  const columns: TableColumnsType<QuarantineCount> = [
    {
      title: t('terminal.id'),
      key: 'terminal',
      render: (_, item) => (
        <>
          <TerminalLink id={item.terminalId} />
          {narrow && (
            <>
              <div>
                <Why {...item} />
              </div>
              <div className="quiet">
                {t('quarantine.firstAt')} <Moment time={item.firstAt} />
                <br />
                {t('quarantine.lastAt')} <Moment time={item.lastAt} />
              </div>
            </>
          )}
        </>
      ),
    },
    ...(narrow ? [] : rest),
    {
      title: <span className="nowrap">{t('quarantine.count')}</span>,
      key: 'count',
      align: 'right',
      render: (_, { count }) => count.toLocaleString(language),
    },
  ];
  return (
    <Table<QuarantineCount>
      size="small"
      rowKey={({ terminalId, reason, metric }) => `${terminalId} ${reason} ${metric}`}
      aria-label={t('quarantine.counts')}
      columns={columns}
      dataSource={items}
      pagination={false}
    />
  );
}

/** Which terminals are refused most, and why: what to mend first. */
export function QuarantineCounts({ filter }: { filter: QuarantineFilter }) {
  const { t } = useLanguage();
  const [all, setAll] = useState(false);
  const counts = useQuery(quarantineCountsQuery(filter, MOST));
  return (
    <Card size="small" className="before" title={<h2>{t('quarantine.counts')}</h2>}>
      <Loaded query={counts}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('quarantine.noCounts')} />
          ) : (
            <>
              <CountTable items={all ? items : items.slice(0, SHOWN)} />
              {items.length > SHOWN && (
                <div className="more">
                  <Button size="small" aria-expanded={all} onClick={() => setAll(!all)}>
                    {all ? t('quarantine.fewerCounts') : t('quarantine.moreCounts', { n: items.length })}
                  </Button>
                </div>
              )}
            </>
          )
        }
      </Loaded>
    </Card>
  );
}
