import { useQuery } from '@tanstack/react-query';
import { Card, Empty } from 'antd';
import { now } from '../clock.ts';
import { useLanguage } from '../i18n.ts';
import { householdUsageQuery } from '../queries.ts';
import { lastDays } from '../time.ts';
import { Loaded } from './loaded.tsx';
import { UsageBars } from './usage-bars.tsx';

const DAYS = 14;

export function HouseholdUse({ householdId }: { householdId: string }) {
  const { t } = useLanguage();
  const usage = useQuery(householdUsageQuery(householdId, lastDays(now(), DAYS)));
  return (
    <Card size="small" title={<h2>{t('usage.title')}</h2>}>
      <Loaded query={usage}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('usage.empty')} />
          ) : (
            items.map((each) => (
              <UsageBars key={`${each.terminalId} ${each.metric}`} usage={each} terminalId={each.terminalId} />
            ))
          )
        }
      </Loaded>
    </Card>
  );
}
