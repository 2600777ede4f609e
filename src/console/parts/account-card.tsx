import { useQuery } from '@tanstack/react-query';
import { Card } from 'antd';
import { useLanguage } from '../i18n.ts';
import { yuan } from '../money.ts';
import { accountQuery } from '../queries.ts';
import { Loaded } from './loaded.tsx';

function Figure({ name, fen }: { name: string; fen: number }) {
  return (
    <div className="figure">
      <dt>{name}</dt>
      <dd className={fen < 0 ? 'figure-worry' : undefined}>{yuan(fen)}</dd>
    </div>
  );
}

/** What is nothing for most households is shown only where it is something. */
export function AccountCard({ householdId }: { householdId: string }) {
  const { t } = useLanguage();
  return (
    <Card size="small" title={<h2>{t('household.account')}</h2>}>
      <Loaded query={useQuery(accountQuery(householdId))}>
        {({ balanceFen, pendingFen, subsidyFen, depositFen, depositDueFen }) => (
          <dl className="figures account-figures">
            <Figure name={t('household.balance')} fen={balanceFen} />
            {pendingFen !== 0 && <Figure name={t('account.pending')} fen={pendingFen} />}
            {subsidyFen !== 0 && <Figure name={t('account.subsidy')} fen={subsidyFen} />}
            <Figure name={t('household.deposit')} fen={depositFen} />
            {depositDueFen > 0 && <Figure name={t('account.depositDue')} fen={depositDueFen} />}
          </dl>
        )}
      </Loaded>
    </Card>
  );
}
