import { useState } from 'react';
import { yuan } from '../../console/money.ts';
import { dateTime } from '../../console/time.ts';
import type { Payment, Receipt } from '../../http/schemas/billing.ts';
import { useWords } from '../language.tsx';
import { useLoad } from '../load.ts';
import { More } from './more.tsx';
import { Part } from './part.tsx';

function ReceiptText({ id, onClose }: { id: string; onClose: () => void }) {
  const { texts, language } = useWords();
  const { receipt: words } = texts;
  const methods: Record<string, string> = texts.payment.methods;
  const loaded = useLoad<Receipt>(`/payments/${id}/receipt`);
  return (
    <div className="receipt">
      <Part loaded={loaded}>
        {(receipt) => (
          <>
            <h3>
              {receipt.companyName} {words.title}
            </h3>
            {receipt.reversedAt !== null && <p className="worry">{words.reversed}</p>}
            <dl>
              {[
                [words.no, receipt.receiptNo],
                [words.payer, receipt.payerName],
                [words.accountNo, receipt.accountNo],
                [words.address, receipt.address ?? '–'],
                [words.purpose, words.purposes[receipt.purpose]],
                [words.amount, yuan(receipt.amountFen)],
                [words.capitals, receipt.amountZh],
                [words.method, methods[receipt.method] ?? receipt.method],
                [words.at, dateTime(receipt.receivedAt, language)],
              ].map(([name, value]) => (
                <div key={name} className="row">
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
            </dl>
          </>
        )}
      </Part>
      <div className="choice">
        <button type="button" onClick={() => window.print()}>
          {words.print}
        </button>
        <button type="button" onClick={onClose}>
          {texts.close}
        </button>
      </div>
    </div>
  );
}

function PaymentCard({ payment }: { payment: Payment }) {
  const { texts, language } = useWords();
  const [isOpen, setOpen] = useState(false);
  const { id, amountFen, method, purpose, receivedAt, reversedAt } = payment;
  const methods: Record<string, string> = texts.payment.methods;
  return (
    <section className={isOpen ? 'card printed' : 'card'}>
      <div className="row">
        <strong className={reversedAt === null ? 'sum' : 'sum struck'}>{yuan(amountFen)}</strong>
        <span>
          {methods[method] ?? method}
          {purpose === 'deposit' && ` · ${texts.payment.deposit}`}
        </span>
      </div>
      <p className="quiet">
        {dateTime(receivedAt, language)} · {payment.receiptNo}
      </p>
      {isOpen ? (
        <ReceiptText id={id} onClose={() => setOpen(false)} />
      ) : (
        <button type="button" onClick={() => setOpen(true)}>
          {texts.payment.print}
        </button>
      )}
    </section>
  );
}

export function Payments({ householdId }: { householdId: string }) {
  const { texts } = useWords();
  return (
    <>
      <h2 className="list">{texts.payment.list}</h2>
      <More<Payment> path={`/households/${householdId}/payments`} empty={texts.payment.none}>
        {(payment) => <PaymentCard key={payment.id} payment={payment} />}
      </More>
    </>
  );
}
