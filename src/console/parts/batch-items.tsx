import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { Button, Select, Table, type TableColumnsType } from 'antd';
import { useState } from 'react';
import type { Batch, BatchItem, BatchItemState } from '../../http/schemas/batches.ts';
import { fetchFile } from '../api.ts';
import { useAreas } from '../areas.ts';
import { useLanguage } from '../i18n.ts';
import { batchItemsQuery } from '../queries.ts';
import { saveFile } from '../save.ts';
import { useNarrow } from '../use-media.ts';
import { Moment } from './age.tsx';
import { countsInOrder } from './batch-progress.tsx';
import { CommandStateTag } from './command-state.tsx';
import { Failure } from './failure.tsx';
import { Paged } from './paged.tsx';
import { TerminalLink } from './terminal-link.tsx';

function ItemTable({ items }: { items: BatchItem[] }) {
  const { t, titleOf } = useLanguage();
  const { nameOf } = useAreas();
  const narrow = useNarrow();
  const place = ({ areaCode }: BatchItem) => (areaCode === null ? t('batch.noArea') : nameOf(areaCode));
  const why = ({ rules }: BatchItem) => rules.map((each) => <div key={each.rule}>{titleOf(each)}</div>);
  const wide: TableColumnsType<BatchItem> = [
    { title: t('batch.area'), key: 'area', render: (_, item) => place(item) },
    {
      title: t('batch.turn'),
      key: 'turn',
      render: (_, { at }) => (at === null ? null : <Moment time={at} />),
    },
    { title: t('batch.why'), key: 'why', render: (_, item) => why(item) },
  ];
  const columns: TableColumnsType<BatchItem> = [
    {
      title: t('terminal.id'),
      key: 'terminal',
      className: narrow ? '' : 'nowrap',
      render: (_, item) => (
        <>
          <TerminalLink id={item.terminalId} />
          {narrow && (
            <>
              <div className="quiet">{place(item)}</div>
              {why(item)}
            </>
          )}
        </>
      ),
    },
    {
      title: t('batch.state'),
      key: 'state',
      render: (_, { state }) =>
        state === 'waiting' ? t('batch.itemStates.waiting') : <CommandStateTag state={state} />,
    },
    ...(narrow ? [] : wide),
  ];
  return (
    <Table<BatchItem>
      size="small"
      rowKey="terminalId"
      aria-label={t('batch.items')}
      columns={columns}
      dataSource={items}
      pagination={false}
    />
  );
}

/** What became of each terminal; to look at only those that failed, for example. */
export function BatchItems({ batch }: { batch: Batch }) {
  const { t } = useLanguage();
  const [state, setState] = useState<BatchItemState>();
  const file = useMutation({
    mutationFn: () => fetchFile('GET', `/command-batches/${encodeURIComponent(batch.id)}/items.csv`),
    onSuccess: (blob) => saveFile(blob, `${batch.id}.csv`),
  });
  return (
    <>
      <div className="filters">
        <Select
          className="filter-profile"
          aria-label={t('batch.state')}
          placeholder={t('batch.allStates')}
          value={state ?? null}
          options={countsInOrder(batch).map(([value, count]) => ({
            value,
            label: `${t(`batch.itemStates.${value}`)} (${count})`,
          }))}
          allowClear
          onChange={(value) => setState(value ?? undefined)}
        />
        <Button loading={file.isPending} onClick={() => file.mutate()}>
          {t('batch.csv')}
        </Button>
      </div>
      {file.error && <Failure error={file.error} />}
      <Paged query={useInfiniteQuery(batchItemsQuery(batch.id, state))} empty={t('batch.noItems')}>
        {(items) => <ItemTable items={items} />}
      </Paged>
    </>
  );
}
