import { Link } from '@tanstack/react-router';
import { Table, type TableColumnsType } from 'antd';
import type { Batch } from '../../http/schemas/batches.ts';
import { useAreas } from '../areas.ts';
import { useAnyCommandText } from '../command-text.ts';
import { useLanguage } from '../i18n.ts';
import { useNarrow } from '../use-media.ts';
import { Moment } from './age.tsx';
import { BatchProgress, BatchStateTag } from './batch-progress.tsx';

export function BatchTable({ batches, label }: { batches: Batch[]; label: string }) {
  const { t } = useLanguage();
  const { nameOf } = useAreas();
  const text = useAnyCommandText();
  const narrow = useNarrow();
  const progress: TableColumnsType<Batch> = [
    { title: t('batch.progress'), key: 'progress', render: (_, batch) => <BatchProgress batch={batch} /> },
  ];
  const columns: TableColumnsType<Batch> = [
    {
      title: t('batch.what'),
      key: 'what',
      render: (_, batch) => (
        <>
          <Link to="/batches/$id" params={{ id: batch.id }}>
            <strong>{text(batch)}</strong>
          </Link>{' '}
          {t('batch.of', { n: batch.total })} · {batch.areaCode === null ? t('batch.byList') : nameOf(batch.areaCode)}
          <div className="words">{batch.reason}</div>
          <div className="quiet">
            <Moment time={batch.createdAt} /> {t('batch.asked', { who: batch.requestedBy })}
          </div>
          {narrow && <BatchProgress batch={batch} />}
        </>
      ),
    },
    ...(narrow ? [] : progress),
    { title: t('batch.state'), key: 'state', render: (_, { state }) => <BatchStateTag state={state} /> },
  ];
  return (
    <Table<Batch>
      size="small"
      rowKey="id"
      aria-label={label}
      columns={columns}
      dataSource={batches}
      pagination={false}
    />
  );
}
