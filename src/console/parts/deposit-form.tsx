import { Alert, Button, Card, Form, Segmented } from 'antd';
import { useState } from 'react';
import type { Booked } from '../../http/schemas/billing.ts';
import { useLanguage } from '../i18n.ts';
import { fenOf, yuan } from '../money.ts';
import { useBooking } from '../use-booking.ts';
import { Failure } from './failure.tsx';
import { AmountField, MethodField, ReasonField, ReferenceField } from './payment-fields.tsx';

const ACTIONS = ['receive', 'offset', 'refund'] as const;
type Action = (typeof ACTIONS)[number];
type Fields = { amount?: string; method?: 'cash' | 'transfer'; reference?: string; reason?: string };
type Request = { action: Action; amountFen?: number; method?: string; reference?: string; reason?: string };

function requestOf(action: Action, { amount = '', method, reference, reason }: Fields): Request {
  const amountFen = fenOf(amount);
  return {
    action,
    ...(amountFen !== undefined && { amountFen }),
    ...(action !== 'offset' && method && { method }),
    ...(action !== 'offset' && reference && { reference: reference.trim() }),
    ...(action === 'refund' && reason && { reason: reason.trim() }),
  };
}

/** What a clerk does with a household's deposit. */
export function DepositForm({ householdId }: { householdId: string }) {
  const { t } = useLanguage();
  const [action, setAction] = useState<Action>('receive');
  const booking = useBooking<Request, Pick<Booked, 'amountFen'>>(
    householdId,
    (request) => `/deposit/${request.action}`,
    ({ action: _action, ...body }) => body,
  );
  return (
    <Card size="small" title={<h2>{t('deposit.title')}</h2>}>
      {booking.isSuccess ? (
        <div role="status">
          <Alert type="success" showIcon title={t('deposit.done', { amount: yuan(booking.data.amountFen) })} />
          <Button className="after" onClick={booking.reset}>
            {t('deposit.another')}
          </Button>
        </div>
      ) : (
        <Form<Fields>
          // Labels find their fields by ids, which begin with this: two forms are on one page.
          name="deposit"
          layout="vertical"
          requiredMark={false}
          aria-label={t('deposit.title')}
          onFinish={(fields) => booking.once(requestOf(action, fields))}
        >
          <Segmented
            className="before"
            aria-label={t('deposit.action')}
            options={ACTIONS.map((value) => ({ value, label: t(`deposit.actions.${value}`) }))}
            value={action}
            onChange={setAction}
          />
          <AmountField empty={t('deposit.all')} />
          {action !== 'offset' && <MethodField />}
          {action !== 'offset' && <ReferenceField />}
          {action === 'refund' && <ReasonField />}
          {booking.error && (
            <div className="before">
              <Failure error={booking.error} />
            </div>
          )}
          <Button type="primary" htmlType="submit" loading={booking.isPending}>
            {t('deposit.submit')}
          </Button>
        </Form>
      )}
    </Card>
  );
}
