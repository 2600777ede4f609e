import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Card, Segmented, Table, type TableColumnsType } from 'antd';
import type { PaymentNotification } from '../../http/schemas/payment-orders.ts';
import { useLanguage } from '../i18n.ts';
import { yuan } from '../money.ts';
import { Moment } from '../parts/age.tsx';
import { ComparedDays } from '../parts/compared-days.tsx';
import { DifferenceTable } from '../parts/difference-table.tsx';
import { Paged } from '../parts/paged.tsx';
import { differencesQuery, heldNotificationsQuery } from '../queries.ts';
import { DIFFERENCE_STATES } from '../search.ts';
import { useUser } from '../user.ts';

const route = getRouteApi('/shell/reconciliation');

function Differences() {
  const { t } = useLanguage();
  const { state = 'open' } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Card size="small" title={<h2>{t('reconciliation.differences')}</h2>}>
      <div className="before">
        <Segmented
          aria-label={t('reconciliation.show')}
          value={state}
          options={DIFFERENCE_STATES.map((value) => ({ value, label: t(`reconciliation.shown.${value}`) }))}
          onChange={(value) => void navigate({ search: { state: value }, replace: true })}
        />
      </div>
      <Paged query={useInfiniteQuery(differencesQuery(state))} empty={t('reconciliation.noDifferences')}>
        {(differences) => <DifferenceTable differences={differences} />}
      </Paged>
    </Card>
  );
}

function HeldTable({ items }: { items: PaymentNotification[] }) {
  const { t } = useLanguage();
  const reasons = t('reconciliation.reasons', { returnObjects: true });
  const about: Record<string, string> = t('reconciliation.about', { returnObjects: true });
  const columns: TableColumnsType<PaymentNotification> = [
    {
      title: t('reconciliation.why'),
      key: 'why',
      render: (_, { reason, kind, orderId, receivedAt }) => (
        <>
          <strong>{reason !== null && reasons[reason]}</strong> <span className="quiet">{about[kind]}</span>
          <div className="code quiet">{orderId}</div>
          <Moment time={receivedAt} />
        </>
      ),
    },
    {
      title: t('payment.amount'),
      key: 'amount',
      align: 'right',
      className: 'nowrap',
      render: (_, { amountFen }) => amountFen !== null && yuan(amountFen),
    },
  ];
  return (
    <Table<PaymentNotification>
      size="small"
      rowKey="id"
      aria-label={t('reconciliation.held')}
      columns={columns}
      dataSource={items}
      pagination={false}
    />
  );
}

function Held() {
  const { t } = useLanguage();
  return (
    <Card size="small" title={<h2>{t('reconciliation.held')}</h2>}>
      <p className="quiet before">{t('reconciliation.heldHint')}</p>
      <Paged query={useInfiniteQuery(heldNotificationsQuery())} empty={t('reconciliation.noHeld')}>
        {(items) => <HeldTable items={items} />}
      </Paged>
    </Card>
  );
}

export function ReconciliationPage() {
  const { t } = useLanguage();
  const user = useUser();
  return (
    <>
      <h1 className="title">{t('reconciliation.title')}</h1>
      <p className="quiet before">{t('reconciliation.hint')}</p>
      <div className="columns">
        <div className="stack">
          <Differences />
        </div>
        <div className="stack">
          {user.role === 'admin' && <ComparedDays />}
          <Held />
        </div>
      </div>
    </>
  );
}
