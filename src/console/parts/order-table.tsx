import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Modal, Table, type TableColumnsType, Tag } from 'antd';
import { useState } from 'react';
import type { PaymentOrder, PaymentOrderSummary } from '../../http/schemas/payment-orders.ts';
import { post } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { useIntent } from '../intent.ts';
import { fenOf, yuan } from '../money.ts';
import { CACHE } from '../queries.ts';
import { mayTakePayments, useUser } from '../user.ts';
import { Moment } from './age.tsx';
import { Failure } from './failure.tsx';

const COLOURS: Record<PaymentOrderSummary['state'], string> = {
  open: 'blue',
  paid: 'green',
  closed: 'default',
  refunding: 'gold',
  refunded: 'default',
  held: 'red',
};

type Fields = { amount: string; reason: string };

function RefundForm({ order, onDone }: { order: PaymentOrderSummary; onDone: () => void }) {
  const { t } = useLanguage();
  const client = useQueryClient();
  const intent = useIntent();
  const left = order.amountFen - order.refundedFen;
  const refund = useMutation({
    mutationFn: (body: { amountFen: number; reason: string }) =>
      post<PaymentOrder>(`/payment-orders/${order.id}/refund`, body, intent.keyFor(body)),
    onSuccess: () => {
      intent.done();
      for (const key of [CACHE.orders, 'account', 'payments']) {
        void client.invalidateQueries({ queryKey: [key, order.householdId] });
      }
      onDone();
    },
    onError: intent.failed,
  });
  const amountOf = (text: string): number | undefined => {
    const fen = fenOf(text);
    return fen !== undefined && fen <= left ? fen : undefined;
  };
  const submit = ({ amount, reason }: Fields) => {
    const amountFen = amountOf(amount);
    if (amountFen !== undefined && !refund.isPending) refund.mutate({ amountFen, reason: reason.trim() });
  };
  const wrong = t('order.refundAmountWrong', { amount: yuan(left) });
  return (
    <Form<Fields>
      name="refund"
      layout="vertical"
      requiredMark={false}
      aria-label={t('order.refundTitle')}
      onFinish={submit}
    >
      <Form.Item
        name="amount"
        label={t('order.refundAmount')}
        initialValue={yuan(left).replace(/[¥,]/g, '')}
        rules={[
          {
            validator: (_, text: string) =>
              amountOf(text) === undefined ? Promise.reject(new Error(wrong)) : Promise.resolve(),
          },
        ]}
      >
        <Input inputMode="decimal" autoComplete="off" prefix="¥" maxLength={12} />
      </Form.Item>
      <Form.Item
        name="reason"
        label={t('order.reason')}
        rules={[{ required: true, whitespace: true, message: t('order.reasonMissing') }]}
      >
        <Input autoComplete="off" maxLength={80} />
      </Form.Item>
      {refund.error && (
        <div className="before">
          <Failure error={refund.error} />
        </div>
      )}
      <Button type="primary" danger htmlType="submit" loading={refund.isPending}>
        {t('order.refundOk')}
      </Button>
    </Form>
  );
}

export function OrderTable({ orders }: { orders: PaymentOrderSummary[] }) {
  const { t } = useLanguage();
  const user = useUser();
  const [refunding, setRefunding] = useState<PaymentOrderSummary | null>(null);
  const states = t('order.states', { returnObjects: true });
  const words: Record<string, string> = t('order.providers', { returnObjects: true });
  const columns: TableColumnsType<PaymentOrderSummary> = [
    {
      title: t('order.time'),
      key: 'time',
      render: (_, { createdAt, provider }) => (
        <>
          <Moment time={createdAt} />
          <div className="quiet">{words[provider] ?? provider}</div>
        </>
      ),
    },
    {
      title: t('payment.amount'),
      key: 'amount',
      align: 'right',
      className: 'nowrap',
      render: (_, { amountFen, refundedFen }) => (
        <>
          {yuan(amountFen)}
          {refundedFen > 0 && <div className="quiet">{t('order.refundedPart', { amount: yuan(refundedFen) })}</div>}
        </>
      ),
    },
    {
      title: t('order.state'),
      key: 'state',
      render: (_, order) => (
        <>
          <Tag color={COLOURS[order.state]}>{states[order.state]}</Tag>
          {order.note === 'paid_after_close' && <div className="quiet">{t('order.paidAfterClose')}</div>}
          {mayTakePayments(user) && order.state === 'paid' && (
            <Button size="small" onClick={() => setRefunding(order)}>
              {t('order.refund')}
            </Button>
          )}
        </>
      ),
    },
  ];
  return (
    <>
      <Table<PaymentOrderSummary>
        size="small"
        rowKey="id"
        aria-label={t('order.list')}
        columns={columns}
        dataSource={orders}
        pagination={false}
      />
      <Modal
        open={refunding !== null}
        title={t('order.refundTitle')}
        footer={null}
        destroyOnHidden
        onCancel={() => setRefunding(null)}
      >
        {refunding && <RefundForm key={refunding.id} order={refunding} onDone={() => setRefunding(null)} />}
      </Modal>
    </>
  );
}
