import { Link } from '@tanstack/react-router';
import { Button, Form, Modal, Table, type TableColumnsType, Tag } from 'antd';
import { useState } from 'react';
import type { Payment } from '../../http/schemas/billing.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { yuan } from '../money.ts';
import { useBooking } from '../use-booking.ts';
import { mayTakePayments, useUser } from '../user.ts';
import { Moment } from './age.tsx';
import { Failure } from './failure.tsx';
import { ReasonField } from './payment-fields.tsx';

/** Whoever wants to take a payment back sees which it is, and says why. */
function Reverse({ payment }: { payment: Payment }) {
  const { t } = useLanguage();
  const [open, setOpen] = useState(false);
  const [form] = Form.useForm<{ reason: string }>();
  const reverse = useBooking<{ reason: string }, Payment>(
    payment.householdId,
    () => `/payments/${encodeURIComponent(payment.id)}/reverse`,
    ({ reason }) => ({ reason: reason.trim() }),
  );
  const title = t('payment.reverseOf', { receipt: payment.receiptNo });
  return (
    <>
      <Button size="small" aria-label={title} onClick={() => setOpen(true)}>
        {t('payment.reverse')}
      </Button>
      <Modal
        open={open}
        title={title}
        okText={t('payment.reverse')}
        cancelText={t('action.cancel')}
        okButtonProps={{ danger: true, loading: reverse.isPending }}
        onOk={() => form.submit()}
        onCancel={() => setOpen(false)}
      >
        <p className="before">
          <strong>{yuan(payment.amountFen)}</strong> {payment.reference}
        </p>
        <p className="before">{t('payment.reverseHint')}</p>
        <Form name={payment.id} form={form} layout="vertical" requiredMark={false} onFinish={reverse.once}>
          <ReasonField />
        </Form>
        {reverse.error && <Failure error={reverse.error} />}
      </Modal>
    </>
  );
}

function Actions({ payment }: { payment: Payment }) {
  const { t } = useLanguage();
  const user = useUser();
  const isCounter = payment.method === 'cash' || payment.method === 'transfer';
  return (
    <div className="buttons">
      <Link
        to="/receipts/$id"
        params={{ id: payment.id }}
        aria-label={t('payment.printOf', { receipt: payment.receiptNo })}
      >
        {t('payment.print')}
      </Link>
      {payment.reversedAt === null && isCounter && mayTakePayments(user) && <Reverse payment={payment} />}
    </div>
  );
}

function What({ payment }: { payment: Payment }) {
  const { t } = useLanguage();
  const methods: Record<string, string> = t('payment.methods', { returnObjects: true });
  const { receiptNo, purpose, method, reference, reversedAt, reversedBy, reversalReason } = payment;
  return (
    <div className="code">
      {wordFor(methods, method)} {reference} {purpose === 'deposit' && <Tag>{t('payment.deposit')}</Tag>}
      <div className="quiet">
        {t('payment.receipt')} {receiptNo}
      </div>
      {reversedAt !== null && (
        <div className="worry">{t('payment.reversed', { who: reversedBy ?? '', reason: reversalReason ?? '' })}</div>
      )}
      <Actions payment={payment} />
    </div>
  );
}

export function PaymentTable({ payments }: { payments: Payment[] }) {
  const { t } = useLanguage();
  const columns: TableColumnsType<Payment> = [
    {
      title: t('payment.time'),
      key: 'time',
      render: (_, { method, receivedAt, receivedBy }) => (
        <>
          <Moment time={receivedAt} />
          {receivedBy !== method && <div className="quiet">{receivedBy}</div>}
        </>
      ),
    },
    {
      title: t('payment.amount'),
      key: 'amount',
      align: 'right',
      className: 'nowrap',
      render: (_, { amountFen, reversedAt }) => (reversedAt === null ? yuan(amountFen) : <del>{yuan(amountFen)}</del>),
    },
    { title: t('payment.reference'), key: 'reference', render: (_, payment) => <What payment={payment} /> },
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
