import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Card, Segmented, Table, type TableColumnsType } from 'antd';
import { useState } from 'react';
import type { PaymentNotification } from '../../http/schemas/payment-orders.ts';
import { post } from '../api.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { yuan } from '../money.ts';
import { CACHE, notificationsQuery } from '../queries.ts';
import { HELD_STATES, type HeldState } from '../search.ts';
import { Moment } from './age.tsx';
import { FileButtons } from './file-buttons.tsx';
import { Paged } from './paged.tsx';
import { ReasonDialog } from './reason-dialog.tsx';
import { Said } from './said.tsx';

function What({ notification }: { notification: PaymentNotification }) {
  const { t } = useLanguage();
  const reasons = t('reconciliation.reasons', { returnObjects: true });
  const about: Record<string, string> = t('reconciliation.about', { returnObjects: true });
  const providers: Record<string, string> = t('payment.methods', { returnObjects: true });
  const { reason, kind, orderId, receivedAt, provider } = notification;
  return (
    <>
      <strong>{reason !== null && reasons[reason]}</strong>{' '}
      <span className="quiet">
        {wordFor(providers, provider)} {about[kind]}
      </span>
      <div className="code quiet">{orderId}</div>
      <Moment time={receivedAt} />
    </>
  );
}

function HeldTable({ items }: { items: PaymentNotification[] }) {
  const { t } = useLanguage();
  const client = useQueryClient();
  const [resolving, setResolving] = useState<PaymentNotification>();
  const columns: TableColumnsType<PaymentNotification> = [
    {
      title: t('reconciliation.why'),
      key: 'why',
      render: (_, notification) => <What notification={notification} />,
    },
    {
      title: t('payment.amount'),
      key: 'amount',
      align: 'right',
      className: 'nowrap',
      render: (_, { amountFen }) => amountFen !== null && yuan(amountFen),
    },
    {
      title: t('reconciliation.resolved'),
      key: 'resolve',
      render: (_, notification) =>
        notification.state === 'resolved' ? (
          <Said text={notification.resolution} by={notification.resolvedBy} at={notification.resolvedAt} />
        ) : (
          <Button size="small" onClick={() => setResolving(notification)}>
            {t('reconciliation.resolve')}
          </Button>
        ),
    },
  ];
  return (
    <>
      <Table<PaymentNotification>
        size="small"
        rowKey="id"
        aria-label={t('reconciliation.held')}
        columns={columns}
        dataSource={items}
        pagination={false}
      />
      {resolving && (
        <ReasonDialog
          name="resolve"
          title={t('reconciliation.resolveTitle')}
          submit={t('reconciliation.resolveOk')}
          maxLength={500}
          send={(reason) => post(`/payment-notifications/${encodeURIComponent(resolving.id)}/resolve`, { reason })}
          onDone={() => {
            void client.invalidateQueries({ queryKey: [CACHE.notifications] });
            setResolving(undefined);
          }}
          onClose={() => setResolving(undefined)}
        >
          <p className="before quiet">{t('reconciliation.resolveHint')}</p>
        </ReasonDialog>
      )}
    </>
  );
}

/** What was signed by a provider and does not fit: nobody was credited, and somebody must see to it. */
export function HeldNotifications({ state, onChange }: { state: HeldState; onChange: (state: HeldState) => void }) {
  const { t } = useLanguage();
  return (
    <Card size="small" title={<h2>{t('reconciliation.held')}</h2>}>
      <p className="quiet before">{t('reconciliation.heldHint')}</p>
      <div className="filters">
        <Segmented
          aria-label={t('reconciliation.heldShow')}
          value={state}
          options={HELD_STATES.map((value) => ({ value, label: t(`reconciliation.heldShown.${value}`) }))}
          onChange={onChange}
        />
        <FileButtons path="/reports/payment-notifications" query={{ state }} name={`notifications-${state}`} />
      </div>
      <Paged query={useInfiniteQuery(notificationsQuery(state))} empty={t(`reconciliation.noHeld.${state}`)}>
        {(items) => <HeldTable items={items} />}
      </Paged>
    </Card>
  );
}
