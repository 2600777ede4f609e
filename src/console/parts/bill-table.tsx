import { Link } from '@tanstack/react-router';
import { Table, type TableColumnsType, Tag } from 'antd';
import type { Bill } from '../../http/schemas/bills.ts';
import { useLanguage } from '../i18n.ts';
import { yuan } from '../money.ts';

const COLOURS: Record<Bill['state'], string> = { issued: 'green', held: 'orange', replaced: 'default' };

export function BillState({ state }: { state: Bill['state'] }) {
  const { t } = useLanguage();
  return <Tag color={COLOURS[state]}>{t(`bill.states.${state}`)}</Tag>;
}

export function BillTable({ bills, showHousehold = false }: { bills: Bill[]; showHousehold?: boolean }) {
  const { t } = useLanguage();
  const columns: TableColumnsType<Bill> = [
    {
      title: t('bill.period'),
      key: 'period',
      render: (_, { id, period, householdName, accountNo }) => (
        <>
          <Link to="/bills/$id" params={{ id }}>
            {period}
          </Link>
          {showHousehold && (
            <div className="quiet words">
              {householdName} {accountNo}
            </div>
          )}
        </>
      ),
    },
    { title: t('bill.state'), key: 'state', render: (_, { state }) => <BillState state={state} /> },
    {
      title: t('bill.total'),
      key: 'total',
      align: 'right',
      className: 'nowrap',
      render: (_, { totalFen }) => yuan(totalFen),
    },
  ];
  return (
    <Table<Bill>
      size="small"
      rowKey="id"
      aria-label={t('bill.list')}
      columns={columns}
      dataSource={bills}
      pagination={false}
    />
  );
}
