import { useQuery } from '@tanstack/react-query';
import { Card, Empty } from 'antd';
import type { ProfileView } from '../../http/schemas/terminals.ts';
import { now } from '../clock.ts';
import { useLanguage } from '../i18n.ts';
import { countersOf } from '../profiles.ts';
import { terminalUsageQuery } from '../queries.ts';
import { lastDays } from '../time.ts';
import { Loaded } from './loaded.tsx';
import { UsageBars } from './usage-bars.tsx';

const DAYS = 14;

function Use({ terminalId, metric, unit }: { terminalId: string; metric: string; unit: string }) {
  const { t } = useLanguage();
  return (
    <Loaded query={useQuery(terminalUsageQuery(terminalId, metric, lastDays(now(), DAYS)))}>
      {(items) =>
        items.length === 0 ? (
          <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('usage.empty')} />
        ) : (
          <UsageBars usage={{ metric, unit, items }} />
        )
      }
    </Loaded>
  );
}

export function TerminalUse({ terminalId, profile }: { terminalId: string; profile: ProfileView }) {
  const { t } = useLanguage();
  const counters = countersOf(profile);
  if (counters.length === 0) return null;
  return (
    <Card size="small" title={<h2>{t('usage.title')}</h2>}>
      {counters.map((metric) => (
        <Use key={metric} terminalId={terminalId} metric={metric} unit={profile.metrics[metric]?.unit ?? ''} />
      ))}
    </Card>
  );
}
