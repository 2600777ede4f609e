import { useQuery } from '@tanstack/react-query';
import { Card } from 'antd';
import type { AreaOverview } from '../../http/schemas/people.ts';
import { type T, useLanguage } from '../i18n.ts';
import { overviewQuery } from '../queries.ts';
import { type Figure, Figures } from './figures.tsx';
import { Loaded } from './loaded.tsx';

const figuresOf = (t: T, overview: AreaOverview): Figure[] => [
  { name: t('overview.terminals'), value: overview.terminals },
  { name: t('status.online'), value: overview.online },
  { name: t('status.offline'), value: overview.offline, worry: true },
  { name: t('status.unknown'), value: overview.unknown },
  { name: t('overview.openAlarms'), value: overview.openAlarms, worry: true },
  { name: t('overview.coldHomes'), value: overview.coldHomes, hint: t('overview.coldHint'), worry: true },
];

export function Overview({ code }: { code: string }) {
  const { t } = useLanguage();
  return (
    <Card size="small" className="overview" role="region" aria-label={t('overview.label')}>
      <Loaded query={useQuery(overviewQuery(code))}>
        {(overview) => (
          <div className="overview-line">
            <h2>{overview.name}</h2>
            <Figures figures={figuresOf(t, overview)} />
          </div>
        )}
      </Loaded>
    </Card>
  );
}
