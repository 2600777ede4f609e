import { useQuery } from '@tanstack/react-query';
import { Card } from 'antd';
import { useLanguage } from '../i18n.ts';
import { yuan } from '../money.ts';
import { accountQuery } from '../queries.ts';
import { Loaded } from './loaded.tsx';

export function AccountCard({ householdId }: { householdId: string }) {
  const { t } = useLanguage();
  return (
    <Card size="small" title={<h2>{t('household.account')}</h2>}>
      <Loaded query={useQuery(accountQuery(householdId))}>
        {({ balanceFen, depositFen }) => (
          <dl className="figures">
            <div className="figure">
              <dt>{t('household.balance')}</dt>
              <dd className={balanceFen < 0 ? 'figure-worry' : undefined}>{yuan(balanceFen)}</dd>
            </div>
            <div className="figure">
              <dt>{t('household.deposit')}</dt>
              <dd>{yuan(depositFen)}</dd>
            </div>
          </dl>
        )}
      </Loaded>
    </Card>
  );
}
