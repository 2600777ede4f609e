import { useState } from 'react';
import type { Account } from '../../http/schemas/billing.ts';
import type { PaymentOrder, PaymentProviders } from '../../http/schemas/payment-orders.ts';
import { useWords } from '../language.tsx';
import { useLoad } from '../load.ts';
import { AccountCard } from './account-card.tsx';
import { NewOrder } from './new-order.tsx';
import { OpenOrder } from './open-order.tsx';
import { Part } from './part.tsx';
import { Payments } from './payments.tsx';

function Pay({ householdId, onPaid }: { householdId: string; onPaid: () => void }) {
  const { texts } = useWords();
  const providers = useLoad<PaymentProviders>('/payment-providers');
  const account = useLoad<Account>(`/households/${householdId}/account`);
  const [order, setOrder] = useState<PaymentOrder>();
  return (
    <section className="card">
      <h2>{texts.order.title}</h2>
      <Part loaded={providers}>
        {({ items }) =>
          items.length === 0 ? (
            <p>{texts.pay.off}</p>
          ) : order ? (
            <OpenOrder key={order.id} made={order} onPaid={onPaid} onAnother={() => setOrder(undefined)} />
          ) : (
            <NewOrder
              householdId={householdId}
              providers={items.map(({ name }) => name)}
              owedFen={Math.max(0, -(account.data?.balanceFen ?? 0))}
              onMade={setOrder}
            />
          )
        }
      </Part>
    </section>
  );
}

export function PayPage({ householdId }: { householdId: string }) {
  /** Grows when money has come: what stands below is then asked for anew. */
  const [paid, setPaid] = useState(0);
  return (
    <>
      <AccountCard key={`account ${paid}`} householdId={householdId} toPay={false} />
      <Pay householdId={householdId} onPaid={() => setPaid((count) => count + 1)} />
      <Payments key={`payments ${paid}`} householdId={householdId} />
    </>
  );
}
