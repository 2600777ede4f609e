import { useQueryClient } from '@tanstack/react-query';
import { Button, Table, type TableColumnsType } from 'antd';
import { useState } from 'react';
import type { Difference } from '../../http/schemas/payment-orders.ts';
import { post } from '../api.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { yuan } from '../money.ts';
import { CACHE } from '../queries.ts';
import { useNarrow } from '../use-media.ts';
import { ReasonDialog } from './reason-dialog.tsx';
import { Said } from './said.tsx';

const orDash = (fen: number | null): string => (fen === null ? '—' : yuan(fen));

export function DifferenceTable({ differences }: { differences: Difference[] }) {
  const { t } = useLanguage();
  const narrow = useNarrow();
  const client = useQueryClient();
  const [explaining, setExplaining] = useState<Difference>();
  const kinds = t('reconciliation.kinds', { returnObjects: true });
  const about = t('reconciliation.about', { returnObjects: true });
  const providers: Record<string, string> = t('order.providers', { returnObjects: true });
  const amounts = ({ oursFen, theirsFen }: Difference) =>
    `${t('reconciliation.ours')} ${orDash(oursFen)} · ${t('reconciliation.theirs')} ${orDash(theirsFen)}`;
  const wide: TableColumnsType<Difference> = [
    {
      title: t('reconciliation.day'),
      key: 'day',
      className: 'nowrap',
      render: (_, { date, provider }) => (
        <>
          {date}
          <div className="quiet">{wordFor(providers, provider)}</div>
        </>
      ),
    },
    { title: t('reconciliation.ours'), key: 'ours', align: 'right', render: (_, { oursFen }) => orDash(oursFen) },
    {
      title: t('reconciliation.theirs'),
      key: 'theirs',
      align: 'right',
      render: (_, { theirsFen }) => orDash(theirsFen),
    },
  ];
  const columns: TableColumnsType<Difference> = [
    ...(narrow ? [] : wide),
    {
      title: t('reconciliation.kind'),
      key: 'kind',
      render: (_, difference) => (
        <>
          <strong>{kinds[difference.kind]}</strong> <span className="quiet">{about[difference.about]}</span>
          {narrow && (
            <div>
              {difference.date} {amounts(difference)}
            </div>
          )}
          <div className="code quiet">{difference.orderId}</div>
        </>
      ),
    },
    {
      title: t('reconciliation.explain'),
      key: 'explain',
      render: (_, difference) =>
        difference.state === 'explained' ? (
          <Said text={difference.explanation} by={difference.explainedBy} at={difference.explainedAt} />
        ) : (
          <Button size="small" onClick={() => setExplaining(difference)}>
            {t('reconciliation.explain')}
          </Button>
        ),
    },
  ];
  return (
    <>
      <Table<Difference>
        size="small"
        rowKey="id"
        aria-label={t('reconciliation.differences')}
        columns={columns}
        dataSource={differences}
        pagination={false}
      />
      {explaining && (
        <ReasonDialog
          name="explain"
          title={t('reconciliation.explainTitle')}
          submit={t('reconciliation.explainOk')}
          maxLength={500}
          send={(reason) =>
            post(`/reconciliations/${explaining.date}/differences/${encodeURIComponent(explaining.id)}/explain`, {
              reason,
            })
          }
          onDone={() => {
            void client.invalidateQueries({ queryKey: [CACHE.differences] });
            setExplaining(undefined);
          }}
          onClose={() => setExplaining(undefined)}
        />
      )}
    </>
  );
}
