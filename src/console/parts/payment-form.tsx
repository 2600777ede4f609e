import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Card, Form, Input, Radio } from 'antd';
import { useRef } from 'react';
import type { Payment } from '../../http/schemas/billing.ts';
import { post } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { useIntent } from '../intent.ts';
import { fenOf, yuan } from '../money.ts';
import { Failure } from './failure.tsx';

type Fields = { amount: string; method: Payment['method']; reference: string };
type NewPayment = { amountFen: number; method: Payment['method']; reference: string };

function usePay(householdId: string) {
  const client = useQueryClient();
  const intent = useIntent();
  const underWay = useRef(false);
  const pay = useMutation({
    mutationFn: (payment: NewPayment) =>
      post<Payment>(`/households/${encodeURIComponent(householdId)}/payments`, payment, intent.keyFor(payment)),
    onSuccess: () => {
      intent.done();
      void client.invalidateQueries({ queryKey: ['account', householdId] });
      void client.invalidateQueries({ queryKey: ['payments', householdId] });
    },
    onError: intent.failed,
    onSettled: () => {
      underWay.current = false;
    },
  });
  /** The button is disabled only once React has drawn it so; a second click can be faster than that. */
  const once = (payment: NewPayment) => {
    if (underWay.current || pay.isSuccess) return;
    underWay.current = true;
    pay.mutate(payment);
  };
  return { ...pay, once };
}

function Receipt({ payment, onAnother }: { payment: Payment; onAnother: () => void }) {
  const { t } = useLanguage();
  return (
    <div role="status">
      <Alert
        type="success"
        showIcon
        title={t('payment.done', { amount: yuan(payment.amountFen), receipt: payment.receiptNo })}
        description={`${t('payment.reference')}: ${payment.reference}`}
      />
      <Button className="after" onClick={onAnother}>
        {t('payment.another')}
      </Button>
    </div>
  );
}

function Inputs() {
  const { t } = useLanguage();
  return (
    <>
      <Form.Item
        name="amount"
        label={t('payment.amount')}
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
      <Form.Item name="method" label={t('payment.method')} initialValue="cash">
        <Radio.Group
          options={[
            { value: 'cash', label: t('payment.methods.cash') },
            { value: 'transfer', label: t('payment.methods.transfer') },
          ]}
        />
      </Form.Item>
      <Form.Item
        name="reference"
        label={t('payment.reference')}
        rules={[{ required: true, whitespace: true, message: t('payment.referenceMissing') }]}
      >
        <Input autoComplete="off" maxLength={100} placeholder={t('payment.referenceHint')} />
      </Form.Item>
    </>
  );
}

export function PaymentForm({ householdId }: { householdId: string }) {
  const { t } = useLanguage();
  const pay = usePay(householdId);
  const submit = ({ amount, method, reference }: Fields) => {
    const amountFen = fenOf(amount);
    if (amountFen !== undefined) pay.once({ amountFen, method, reference: reference.trim() });
  };
  return (
    <Card size="small" title={<h2>{t('payment.form')}</h2>}>
      {pay.isSuccess ? (
        <Receipt payment={pay.data} onAnother={pay.reset} />
      ) : (
        <Form<Fields> layout="vertical" requiredMark={false} aria-label={t('payment.form')} onFinish={submit}>
          <Inputs />
          {pay.error && (
            <div className="before">
              <Failure error={pay.error} />
            </div>
          )}
          <Button type="primary" htmlType="submit" loading={pay.isPending}>
            {t('payment.submit')}
          </Button>
        </Form>
      )}
    </Card>
  );
}
