import { Link } from '@tanstack/react-router';
import { Table, type TableColumnsType } from 'antd';
import type { BillingRun } from '../../http/schemas/bills.ts';
import { useLanguage } from '../i18n.ts';
import { yuan } from '../money.ts';
import { Moment } from './age.tsx';
import { RunState } from './run-panel.tsx';

export function RunTable({ runs }: { runs: BillingRun[] }) {
  const { t } = useLanguage();
  const columns: TableColumnsType<BillingRun> = [
    {
      title: t('billingRun.period'),
      key: 'period',
      render: (_, run) => (
        <>
          <div>
            <Link to="/billing" search={{ id: run.id }}>
              {run.period}
            </Link>{' '}
            <RunState of={run} />
          </div>
          <div>{t(`billingRun.kinds.${run.kind}`)}</div>
          <div className="quiet">
            <Moment time={run.createdAt} /> {run.requestedBy}
          </div>
        </>
      ),
    },
    {
      title: t('billingRun.made'),
      key: 'made',
      align: 'right',
      render: (_, { made, dryRun }) => (dryRun ? <span className="quiet">{made}</span> : made),
    },
    {
      title: t('billingRun.amount'),
      key: 'amount',
      align: 'right',
      className: 'nowrap',
      render: (_, { amountFen }) => yuan(amountFen),
    },
  ];
  return (
    <Table<BillingRun>
      size="small"
      rowKey="id"
      aria-label={t('billingRun.list')}
      columns={columns}
      dataSource={runs}
      pagination={false}
    />
  );
}
