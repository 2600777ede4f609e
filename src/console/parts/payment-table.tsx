import { Table, type TableColumnsType } from 'antd';
import type { Payment } from '../../http/schemas/billing.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { yuan } from '../money.ts';
import { Moment } from './age.tsx';

export function PaymentTable({ payments }: { payments: Payment[] }) {
  const { t } = useLanguage();
  const methods: Record<string, string> = t('payment.methods', { returnObjects: true });
  const columns: TableColumnsType<Payment> = [
    {
      title: t('payment.time'),
      key: 'time',
      render: (_, { receivedAt, receivedBy }) => (
        <>
          <Moment time={receivedAt} />
          <div className="quiet">{receivedBy}</div>
        </>
      ),
    },
    {
      title: t('payment.amount'),
      key: 'amount',
      align: 'right',
      className: 'nowrap',
      render: (_, { amountFen }) => yuan(amountFen),
    },
    {
      title: t('payment.reference'),
      key: 'reference',
      render: (_, { receiptNo, method, reference }) => (
        <div className="code">
          {wordFor(methods, method)} {reference}
          <div className="quiet">
            {t('payment.receipt')} {receiptNo}
          </div>
        </div>
      ),
    },
  ];
  return (
    <Table<Payment>
      size="small"
      rowKey="id"
      aria-label={t('payment.list')}
      columns={columns}
      dataSource={payments}
      pagination={false}
    />
  );
}
