import { useQuery } from '@tanstack/react-query';
import { Alert, Button, Card, Form, Input, Segmented } from 'antd';
import { useState } from 'react';
import type { Booked } from '../../http/schemas/billing.ts';
import { useLanguage } from '../i18n.ts';
import { fenOf, yuan } from '../money.ts';
import { accountQuery } from '../queries.ts';
import { useBooking } from '../use-booking.ts';
import { Failure } from './failure.tsx';
import { Loaded } from './loaded.tsx';
import { AmountField, ReasonField } from './payment-fields.tsx';

const WAYS = ['forgive', 'charge'] as const;
type Way = (typeof WAYS)[number];
type Fields = { amount: string; reason: string; evidence: string };
type Adjustment = { amountFen: number; reason: string; evidence: string };

/** What the balance is, and what it would be: the person confirms that, and not a number alone. */
function Effect({ householdId, adjustment }: { householdId: string; adjustment: Adjustment }) {
  const { t } = useLanguage();
  const { amountFen, reason, evidence } = adjustment;
  return (
    <Loaded query={useQuery(accountQuery(householdId))}>
      {({ balanceFen }) => (
        <Alert
          className="before"
          type="warning"
          showIcon
          title={t('adjustment.effect', { before: yuan(balanceFen), after: yuan(balanceFen + amountFen) })}
          description={
            <>
              <div>
                {t(amountFen > 0 ? 'adjustment.forgives' : 'adjustment.charges', { amount: yuan(Math.abs(amountFen)) })}
              </div>
              <div className="words">
                {t('payment.reason')}: {reason}
              </div>
              <div className="words">
                {t('adjustment.evidence')}: {evidence}
              </div>
            </>
          }
        />
      )}
    </Loaded>
  );
}

/** What was wrong is put right by an entry of its own, which says why and on what grounds. Nothing is booked before its effect was seen. */
export function AdjustForm({ householdId }: { householdId: string }) {
  const { t } = useLanguage();
  const [way, setWay] = useState<Way>('forgive');
  const [wanted, setWanted] = useState<Adjustment>();
  const [form] = Form.useForm<Fields>();
  const booking = useBooking<Adjustment, Booked>(
    householdId,
    () => '/adjustments',
    (adjustment) => adjustment,
  );
  const look = ({ amount, reason, evidence }: Fields) => {
    const fen = fenOf(amount);
    if (fen === undefined) return;
    setWanted({ amountFen: way === 'forgive' ? fen : -fen, reason: reason.trim(), evidence: evidence.trim() });
  };
  const another = () => {
    booking.reset();
    setWanted(undefined);
    form.resetFields();
  };
  const title = t('adjustment.title');
  return (
    <Card size="small" title={<h2>{title}</h2>}>
      {booking.isSuccess && (
        <div role="status">
          <Alert type="success" showIcon title={t('adjustment.done', { amount: yuan(booking.data.amountFen) })} />
          <Button className="after" onClick={another}>
            {t('adjustment.another')}
          </Button>
        </div>
      )}
      {wanted && !booking.isSuccess && (
        <fieldset className="plain" aria-label={t('adjustment.preview')}>
          <Effect householdId={householdId} adjustment={wanted} />
          {booking.error && (
            <div className="before">
              <Failure error={booking.error} />
            </div>
          )}
          <div className="buttons">
            <Button type="primary" danger loading={booking.isPending} onClick={() => booking.once(wanted)}>
              {t('adjustment.submit')}
            </Button>
            <Button disabled={booking.isPending} onClick={() => setWanted(undefined)}>
              {t('adjustment.back')}
            </Button>
          </div>
        </fieldset>
      )}
      <Form<Fields>
        name="adjustment"
        form={form}
        layout="vertical"
        requiredMark={false}
        aria-label={title}
        hidden={wanted !== undefined}
        onFinish={look}
      >
        <p className="quiet before">{t('adjustment.hint')}</p>
        <Segmented
          className="before"
          aria-label={t('adjustment.way')}
          options={WAYS.map((value) => ({ value, label: t(`adjustment.ways.${value}`) }))}
          value={way}
          onChange={setWay}
        />
        <AmountField />
        <ReasonField />
        <Form.Item
          name="evidence"
          label={t('adjustment.evidence')}
          rules={[{ required: true, whitespace: true, message: t('adjustment.evidenceMissing') }]}
        >
          <Input autoComplete="off" maxLength={100} placeholder={t('adjustment.evidenceHint')} />
        </Form.Item>
        <Button type="primary" htmlType="submit">
          {t('adjustment.look')}
        </Button>
      </Form>
    </Card>
  );
}
