import { type FormEvent, useState } from 'react';
import { post } from '../../console/api.ts';
import { useIntent } from '../../console/intent.ts';
import { fenOf, yuan } from '../../console/money.ts';
import type { PaymentOrder, PaymentProviders } from '../../http/schemas/payment-orders.ts';
import { fill, useWords } from '../language.tsx';
import { Failure } from './part.tsx';

type Provider = PaymentProviders['items'][number]['name'];

export function NewOrder(parts: {
  householdId: string;
  providers: Provider[];
  owedFen: number;
  onMade: (order: PaymentOrder) => void;
}) {
  const { householdId, providers, owedFen, onMade } = parts;
  const { texts } = useWords();
  const intent = useIntent();
  const [amount, setAmount] = useState('');
  const [provider, setProvider] = useState(providers[0]);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState(false);
  const [error, setError] = useState<Error>();

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    const amountFen = fenOf(amount);
    setWrong(amountFen === undefined);
    if (amountFen === undefined || busy) return;
    setBusy(true);
    setError(undefined);
    const order = { amountFen, provider };
    try {
      const made = await post<PaymentOrder>(`/households/${householdId}/payment-orders`, order, intent.keyFor(order));
      intent.done();
      onMade(made);
    } catch (cause) {
      const failure = cause instanceof Error ? cause : new Error(String(cause));
      intent.failed(failure);
      setError(failure);
      setBusy(false);
    }
  }
  return (
    <form aria-label={texts.order.title} onSubmit={(event) => void submit(event)} noValidate>
      <label>
        {texts.order.amount}
        <input
          inputMode="decimal"
          autoComplete="off"
          maxLength={12}
          value={amount}
          onChange={(event) => setAmount(event.target.value)}
        />
      </label>
      {owedFen > 0 && (
        <button type="button" onClick={() => setAmount((owedFen / 100).toFixed(2))}>
          {fill(texts.pay.all, { amount: yuan(owedFen) })}
        </button>
      )}
      {wrong && (
        <p className="worry" role="alert">
          {texts.payment.amountWrong}
        </p>
      )}
      <fieldset>
        <legend>{texts.order.provider}</legend>
        {providers.map((name) => (
          <label key={name} className="radio">
            <input type="radio" name="provider" checked={provider === name} onChange={() => setProvider(name)} />
            {texts.order.providers[name]}
          </label>
        ))}
      </fieldset>
      {error && <Failure error={error} />}
      <button type="submit" className="main" disabled={busy}>
        {texts.order.submit}
      </button>
    </form>
  );
}
