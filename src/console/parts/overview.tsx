import { useQuery } from '@tanstack/react-query';
import { Card } from 'antd';
import type { AreaOverview } from '../../http/schemas/people.ts';
import { useLanguage } from '../i18n.ts';
import { overviewQuery } from '../queries.ts';
import { Loaded } from './loaded.tsx';

type Figure = { name: string; value: number; hint?: string; look?: string };

function Figures({ overview }: { overview: AreaOverview }) {
  const { t } = useLanguage();
  const worry = (count: number) => (count > 0 ? { look: 'figure-worry' } : {});
  const figures: Figure[] = [
    { name: t('overview.terminals'), value: overview.terminals },
    { name: t('status.online'), value: overview.online },
    { name: t('status.offline'), value: overview.offline, ...worry(overview.offline) },
    { name: t('status.unknown'), value: overview.unknown },
    { name: t('overview.openAlarms'), value: overview.openAlarms, ...worry(overview.openAlarms) },
    {
      name: t('overview.coldHomes'),
      value: overview.coldHomes,
      hint: t('overview.coldHint'),
      ...worry(overview.coldHomes),
    },
  ];
  return (
    <dl className="figures">
      {figures.map(({ name, value, hint, look }) => (
        <div key={name} title={hint} className="figure">
          <dt>{name}</dt>
          <dd className={look}>{value.toLocaleString('en-US')}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Overview({ code }: { code: string }) {
  const { t } = useLanguage();
  return (
    <Card size="small" className="overview" role="region" aria-label={t('overview.label')}>
      <Loaded query={useQuery(overviewQuery(code))}>
        {(overview) => (
          <div className="overview-line">
            <h2>{overview.name}</h2>
            <Figures overview={overview} />
          </div>
        )}
      </Loaded>
    </Card>
  );
}
