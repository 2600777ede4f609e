import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Card } from 'antd';
import { useLanguage } from '../i18n.ts';
import { AccountCard } from '../parts/account-card.tsx';
import { AdjustForm } from '../parts/adjust-form.tsx';
import { BillTable } from '../parts/bill-table.tsx';
import { DepositForm } from '../parts/deposit-form.tsx';
import { HouseholdData } from '../parts/household-data.tsx';
import { HouseholdUse } from '../parts/household-use.tsx';
import { LedgerCard } from '../parts/ledger-card.tsx';
import { Loaded } from '../parts/loaded.tsx';
import { OrderTable } from '../parts/order-table.tsx';
import { Paged } from '../parts/paged.tsx';
import { PayCard } from '../parts/pay-card.tsx';
import { PaymentForm } from '../parts/payment-form.tsx';
import { PaymentTable } from '../parts/payment-table.tsx';
import { TerminalCards } from '../parts/terminal-cards.tsx';
import {
  householdBillsQuery,
  householdQuery,
  ordersQuery,
  paymentsQuery,
  providersQuery,
  terminalsQuery,
} from '../queries.ts';
import { mayPay, mayTakePayments, useUser } from '../user.ts';

const route = getRouteApi('/shell/households/$id');

function Terminals({ householdId }: { householdId: string }) {
  const { t } = useLanguage();
  return (
    <Card size="small" title={<h2>{t('household.terminals')}</h2>}>
      <Paged query={useInfiniteQuery(terminalsQuery({ householdId }))} empty={t('household.noTerminals')}>
        {(terminals) => <TerminalCards terminals={terminals} showHousehold={false} />}
      </Paged>
    </Card>
  );
}

function Payments({ householdId }: { householdId: string }) {
  const { t } = useLanguage();
  return (
    <Card size="small" title={<h2>{t('payment.list')}</h2>}>
      <Paged query={useInfiniteQuery(paymentsQuery(householdId))} empty={t('payment.none')}>
        {(payments) => <PaymentTable payments={payments} />}
      </Paged>
    </Card>
  );
}

function Bills({ householdId }: { householdId: string }) {
  const { t } = useLanguage();
  return (
    <Card size="small" title={<h2>{t('bill.list')}</h2>}>
      <Paged query={useInfiniteQuery(householdBillsQuery(householdId))} empty={t('bill.none')}>
        {(bills) => <BillTable bills={bills} />}
      </Paged>
    </Card>
  );
}

/** Not there where no provider is set up. */
function Orders({ householdId }: { householdId: string }) {
  const { t } = useLanguage();
  const query = useInfiniteQuery(ordersQuery(householdId));
  const providers = useQuery(providersQuery()).data?.items ?? [];
  if (providers.length === 0) return null;
  return (
    <Card size="small" title={<h2>{t('order.list')}</h2>}>
      <Paged query={query} empty={t('order.none')}>
        {(orders) => <OrderTable orders={orders} />}
      </Paged>
    </Card>
  );
}

export function HouseholdPage() {
  const { id } = route.useParams();
  const user = useUser();
  return (
    <Loaded query={useQuery(householdQuery(id))}>
      {(household) => (
        <>
          <h1 className="title">{household.name}</h1>
          <div className="columns">
            <div className="stack">
              <HouseholdData household={household} />
              <AccountCard householdId={id} />
              <LedgerCard key={`ledger ${id}`} householdId={id} />
              <Terminals householdId={id} />
              <HouseholdUse householdId={id} />
            </div>
            <div className="stack">
              {/* The key: a form half filled in for one household must not be sent for another. */}
              {mayTakePayments(user) && <PaymentForm key={id} householdId={id} />}
              <Bills householdId={id} />
              {mayPay(user) && <PayCard key={`pay ${id}`} householdId={id} />}
              <Payments householdId={id} />
              {mayTakePayments(user) && <DepositForm key={`deposit ${id}`} householdId={id} />}
              {mayTakePayments(user) && <AdjustForm key={`adjustment ${id}`} householdId={id} />}
              <Orders householdId={id} />
            </div>
          </div>
        </>
      )}
    </Loaded>
  );
}
