import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Button } from 'antd';
import type { Receipt } from '../../http/schemas/billing.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { yuan } from '../money.ts';
import { Moment } from '../parts/age.tsx';
import { HouseholdLink } from '../parts/household-link.tsx';
import { Loaded } from '../parts/loaded.tsx';
import { receiptQuery } from '../queries.ts';

const route = getRouteApi('/shell/receipts/$id');

function Paper({ receipt }: { receipt: Receipt }) {
  const { t } = useLanguage();
  const methods: Record<string, string> = t('payment.methods', { returnObjects: true });
  const lines = [
    [t('receipt.no'), receipt.receiptNo],
    [t('receipt.payer'), receipt.payerName],
    [t('receipt.accountNo'), receipt.accountNo],
    [t('receipt.address'), receipt.address ?? t('value.none')],
    [t('receipt.purpose'), t(`receipt.purposes.${receipt.purpose}`)],
    [t('receipt.amount'), yuan(receipt.amountFen)],
    [t('receipt.capitals'), receipt.amountZh],
    [t('receipt.method'), `${wordFor(methods, receipt.method)} ${receipt.reference}`],
    [t('receipt.at'), <Moment key="at" time={receipt.receivedAt} />],
    [t('receipt.by'), receipt.receivedBy],
  ] as const;
  return (
    <article className="receipt" aria-label={t('receipt.title')}>
      <h1>{receipt.companyName}</h1>
      <h2>{t('receipt.title')}</h2>
      {receipt.reversedAt !== null && <p className="worry">{t('receipt.reversed')}</p>}
      <dl>
        {lines.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p className="receipt-stamp">{t('receipt.stamp')}</p>
    </article>
  );
}

/** One receipt, as it is printed: of the page nothing else goes to paper. */
export function ReceiptPage() {
  const { t } = useLanguage();
  const { id } = route.useParams();
  return (
    <Loaded query={useQuery(receiptQuery(id))}>
      {(receipt) => (
        <>
          <div className="buttons before no-print">
            <HouseholdLink terminal={{ householdId: receipt.householdId, householdName: receipt.payerName }} />
            <Button type="primary" onClick={() => window.print()}>
              {t('receipt.print')}
            </Button>
          </div>
          <Paper receipt={receipt} />
        </>
      )}
    </Loaded>
  );
}
