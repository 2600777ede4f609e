import { yuan } from '../../console/money.ts';
import { monthDay } from '../../console/time.ts';
import type { Account } from '../../http/schemas/billing.ts';
import type { Notice } from '../../http/schemas/bills.ts';
import { fill, useWords } from '../language.tsx';
import { useLoad } from '../load.ts';
import { Part } from './part.tsx';

/** What was told about arrears and still stands. */
function Notices({ householdId }: { householdId: string }) {
  const { texts, language } = useWords();
  const { data } = useLoad<{ items: Notice[] }>(`/households/${householdId}/notices`);
  const open = (data?.items ?? []).filter(({ overAt }) => overAt === null);
  return open.map(({ id, step, at, owedFen }) => (
    <p key={id} className="worry">
      {fill(texts.money.told, { day: monthDay(at, language), step: texts.steps[step], amount: yuan(owedFen) })}
    </p>
  ));
}

export function AccountCard({ householdId, toPay = true }: { householdId: string; toPay?: boolean }) {
  const { texts } = useWords();
  const account = useLoad<Account>(`/households/${householdId}/account`);
  const { money } = texts;
  return (
    <section className="card">
      <h2>{money.title}</h2>
      <Part loaded={account}>
        {({ balanceFen, depositFen, depositDueFen, subsidyFen, pendingFen }) => (
          <>
            <dl className="figures">
              <div className={balanceFen < 0 ? 'wide worry' : 'wide'}>
                <dt>{balanceFen < 0 ? money.owed : money.balance}</dt>
                <dd className="sum">{yuan(Math.abs(balanceFen))}</dd>
              </div>
              <div>
                <dt>{money.deposit}</dt>
                <dd>{yuan(depositFen)}</dd>
              </div>
              <div>
                <dt>{money.subsidy}</dt>
                <dd>{yuan(subsidyFen)}</dd>
              </div>
            </dl>
            {depositDueFen > 0 && <p className="quiet">{fill(money.depositDue, { amount: yuan(depositDueFen) })}</p>}
            {pendingFen !== 0 && <p className="quiet">{fill(money.pending, { amount: yuan(pendingFen) })}</p>}
          </>
        )}
      </Part>
      <Notices householdId={householdId} />
      {toPay && (
        <a className="button main" href="#pay">
          {money.pay}
        </a>
      )}
    </section>
  );
}
