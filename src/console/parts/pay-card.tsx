import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Card, Form, Input, Radio } from 'antd';
import { useEffect, useState } from 'react';
import type { PaymentOrder, PaymentProviders } from '../../http/schemas/payment-orders.ts';
import { post } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { useIntent } from '../intent.ts';
import { fenOf, yuan } from '../money.ts';
import { CACHE, orderQuery, providersQuery } from '../queries.ts';
import { Moment } from './age.tsx';
import { Failure } from './failure.tsx';
import { QrCode } from './qr-code.tsx';

type Provider = PaymentProviders['items'][number]['name'];
type Fields = { amount: string; provider: Provider };

function NewOrder({
  householdId,
  providers,
  onMade,
}: {
  householdId: string;
  providers: Provider[];
  onMade: (order: PaymentOrder) => void;
}) {
  const { t } = useLanguage();
  const intent = useIntent();
  const client = useQueryClient();
  const make = useMutation({
    mutationFn: (order: { amountFen: number; provider: Provider }) =>
      post<PaymentOrder>(`/households/${encodeURIComponent(householdId)}/payment-orders`, order, intent.keyFor(order)),
    onSuccess: (order) => {
      intent.done();
      void client.invalidateQueries({ queryKey: [CACHE.orders, householdId] });
      onMade(order);
    },
    onError: intent.failed,
  });
  const words = t('order.providers', { returnObjects: true });
  const submit = ({ amount, provider }: Fields) => {
    const amountFen = fenOf(amount);
    if (amountFen !== undefined && !make.isPending) make.mutate({ amountFen, provider });
  };
  return (
    <Form<Fields>
      name="order"
      layout="vertical"
      requiredMark={false}
      aria-label={t('order.title')}
      onFinish={submit}
      initialValues={{ provider: providers[0] }}
    >
      <Form.Item
        name="amount"
        label={t('order.amount')}
        validateTrigger="onBlur"
        rules={[
          {
            required: true,
            validator: (_, text: string | undefined) =>
              fenOf(text ?? '') === undefined ? Promise.reject(new Error(t('payment.amountWrong'))) : Promise.resolve(),
          },
        ]}
      >
        <Input inputMode="decimal" autoComplete="off" prefix="¥" maxLength={12} />
      </Form.Item>
      <Form.Item name="provider" label={t('order.provider')}>
        <Radio.Group options={providers.map((name) => ({ value: name, label: words[name] }))} />
      </Form.Item>
      {make.error && (
        <div className="before">
          <Failure error={make.error} />
        </div>
      )}
      <Button type="primary" htmlType="submit" loading={make.isPending}>
        {t('order.submit')}
      </Button>
    </Form>
  );
}

function ToBePaid({ order, onChange }: { order: PaymentOrder; onChange: () => void }) {
  const { t } = useLanguage();
  const act = useMutation({
    mutationFn: (what: 'sandbox-pay' | 'close') => post<PaymentOrder>(`/payment-orders/${order.id}/${what}`, {}),
    onSettled: onChange,
  });
  const words: Record<string, string> = t('order.providers', { returnObjects: true });
  const isSandbox = order.provider === 'sandbox';
  return (
    <div className="to-be-paid">
      <strong className="price">{yuan(order.amountFen)}</strong>
      {order.codeUrl !== null && <QrCode text={order.codeUrl} label={t('order.code')} />}
      <p>
        {isSandbox ? t('order.sandboxScan') : t('order.scan', { provider: words[order.provider] ?? order.provider })}
      </p>
      <p className="quiet">
        {t('order.until')} <Moment time={order.expiresAt} />
      </p>
      {act.error && <Failure error={act.error} />}
      <div className="buttons">
        {isSandbox && (
          <Button type="primary" loading={act.isPending} onClick={() => act.mutate('sandbox-pay')}>
            {t('order.sandboxPay')}
          </Button>
        )}
        <Button disabled={act.isPending} onClick={() => act.mutate('close')}>
          {t('order.close')}
        </Button>
      </div>
    </div>
  );
}

function Outcome({ order, onAnother }: { order: PaymentOrder; onAnother: () => void }) {
  const { t } = useLanguage();
  const isPaid = order.paidAt !== null;
  const title = isPaid
    ? t('order.paid', { amount: yuan(order.amountFen) })
    : order.state === 'held'
      ? t('order.held')
      : t('order.closed');
  return (
    <div role="status">
      <Alert type={isPaid ? 'success' : order.state === 'held' ? 'warning' : 'info'} showIcon title={title} />
      <Button className="after" onClick={onAnother}>
        {t('order.another')}
      </Button>
    </div>
  );
}

/** Asked for again and again while it is open: the telephone that pays is another computer. */
function Order({ made, onAnother }: { made: PaymentOrder; onAnother: () => void }) {
  const client = useQueryClient();
  const { data = made, refetch } = useQuery(orderQuery(made));
  const { state, householdId } = data;
  useEffect(() => {
    if (state === 'open') return;
    for (const key of [CACHE.orders, 'account', 'payments']) {
      void client.invalidateQueries({ queryKey: [key, householdId] });
    }
  }, [state, householdId, client]);
  return state === 'open' ? (
    <ToBePaid order={data} onChange={() => void refetch()} />
  ) : (
    <Outcome order={data} onAnother={onAnother} />
  );
}

/** Not there where no provider is set up. */
export function PayCard({ householdId }: { householdId: string }) {
  const { t } = useLanguage();
  const [order, setOrder] = useState<PaymentOrder | null>(null);
  const providers = useQuery(providersQuery()).data?.items ?? [];
  if (providers.length === 0) return null;
  return (
    <Card size="small" title={<h2>{t('order.title')}</h2>}>
      {order === null ? (
        <NewOrder householdId={householdId} providers={providers.map(({ name }) => name)} onMade={setOrder} />
      ) : (
        <Order key={order.id} made={order} onAnother={() => setOrder(null)} />
      )}
    </Card>
  );
}
