import { useEffect, useState } from 'react';
import { post } from '../../console/api.ts';
import { yuan } from '../../console/money.ts';
import { QrCode } from '../../console/parts/qr-code.tsx';
import { hourMinute } from '../../console/time.ts';
import type { PaymentOrder } from '../../http/schemas/payment-orders.ts';
import { fill, useWords } from '../language.tsx';
import { useLoad } from '../load.ts';
import { Failure } from './part.tsx';

/** The telephone that pays may be another one, so the order is asked for again and again. */
const LOOK_MS = 2_000;

function ToBePaid({ order, onChange }: { order: PaymentOrder; onChange: () => void }) {
  const { texts, language } = useWords();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const { provider, codeUrl, amountFen, expiresAt } = order;
  const isSandbox = provider === 'sandbox';
  const names: Record<string, string> = texts.order.providers;
  function act(what: 'sandbox-pay' | 'close'): void {
    setBusy(true);
    post<PaymentOrder>(`/payment-orders/${order.id}/${what}`, {})
      .then(onChange, setError)
      .finally(() => setBusy(false));
  }
  return (
    <div className="to-be-paid">
      <strong className="sum">{yuan(amountFen)}</strong>
      {codeUrl !== null && <QrCode text={codeUrl} label={texts.order.code} />}
      <p>{isSandbox ? texts.order.sandboxScan : fill(texts.order.scan, { provider: names[provider] ?? provider })}</p>
      <p className="quiet" role="status">
        {texts.pay.waiting} · {texts.order.until} {hourMinute(expiresAt, language)}
      </p>
      {error && <Failure error={error} />}
      {isSandbox && (
        <button type="button" className="main" disabled={busy} onClick={() => act('sandbox-pay')}>
          {texts.order.sandboxPay}
        </button>
      )}
      <button type="button" disabled={busy} onClick={() => act('close')}>
        {texts.order.close}
      </button>
    </div>
  );
}

export function OpenOrder(parts: { made: PaymentOrder; onPaid: () => void; onAnother: () => void }) {
  const { made, onPaid, onAnother } = parts;
  const { texts } = useWords();
  const [over, setOver] = useState(false);
  const { data, error, again } = useLoad<PaymentOrder>(`/payment-orders/${made.id}`, {}, over ? undefined : LOOK_MS);
  const order = data ?? made;
  const isPaid = order.paidAt !== null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is told once, when the state changes.
  useEffect(() => {
    setOver(order.state !== 'open');
    if (isPaid) onPaid();
  }, [order.state, isPaid]);
  if (order.state === 'open') {
    return (
      <>
        {error && <Failure error={error} again={again} />}
        <ToBePaid order={order} onChange={again} />
      </>
    );
  }
  const text = isPaid
    ? fill(texts.order.paid, { amount: yuan(order.amountFen) })
    : order.state === 'held'
      ? texts.order.held
      : texts.order.closed;
  return (
    <div role="status">
      <p className={isPaid ? 'outcome good' : 'outcome'}>{text}</p>
      <button type="button" onClick={onAnother}>
        {texts.order.another}
      </button>
    </div>
  );
}
