import { Link } from '@tanstack/react-router';
import { Alert, Button, Card, Form } from 'antd';
import type { Payment } from '../../http/schemas/billing.ts';
import { ApiError } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { fenOf, yuan } from '../money.ts';
import { useBooking } from '../use-booking.ts';
import { Failure } from './failure.tsx';
import { AmountField, MethodField, ReferenceField } from './payment-fields.tsx';

type Method = 'cash' | 'transfer';
type Fields = { amount: string; method: Method; reference: string };
type NewPayment = { amountFen: number; method: Method; reference: string; again?: true };

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
      <div className="buttons after">
        <Button onClick={onAnother}>{t('payment.another')}</Button>
        <Link to="/receipts/$id" params={{ id: payment.id }}>
          {t('payment.print')}
        </Link>
      </div>
    </div>
  );
}

export function PaymentForm({ householdId }: { householdId: string }) {
  const { t } = useLanguage();
  const pay = useBooking<NewPayment, Payment>(
    householdId,
    () => '/payments',
    (payment) => payment,
  );
  const submit = ({ amount, method, reference }: Fields) => {
    const amountFen = fenOf(amount);
    if (amountFen !== undefined) pay.once({ amountFen, method, reference: reference.trim() });
  };
  const repeated = pay.error instanceof ApiError && pay.error.code === 'paid_already' ? pay.variables : undefined;
  return (
    <Card size="small" title={<h2>{t('payment.form')}</h2>}>
      {pay.isSuccess ? (
        <Receipt payment={pay.data} onAnother={pay.reset} />
      ) : (
        <Form<Fields>
          name="payment"
          layout="vertical"
          requiredMark={false}
          aria-label={t('payment.form')}
          onFinish={submit}
        >
          <AmountField />
          <MethodField />
          <ReferenceField />
          {pay.error && (
            <div className="before">
              <Failure error={pay.error} />
            </div>
          )}
          <div className="buttons">
            <Button type="primary" htmlType="submit" loading={pay.isPending}>
              {t('payment.submit')}
            </Button>
            {repeated && (
              <Button danger onClick={() => pay.once({ ...repeated, again: true })}>
                {t('payment.again')}
              </Button>
            )}
          </div>
        </Form>
      )}
    </Card>
  );
}
