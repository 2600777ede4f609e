import { Card } from 'antd';
import type { ProfileView, Terminal } from '../../http/schemas/terminals.ts';
import { useLanguage } from '../i18n.ts';
import { dateTime } from '../time.ts';
import { valueText } from '../values.ts';
import { Age } from './age.tsx';

export function LatestCard({ terminal, profile }: { terminal: Terminal; profile: ProfileView }) {
  const { t, language, titleOf } = useLanguage();
  const metrics = Object.entries(profile.metrics);
  const shown = (metric: string) => terminal.values[metric];
  return (
    <Card size="small" title={<h2>{t('terminal.latest')}</h2>}>
      <dl className="values">
        {metrics.map(([metric, view]) => {
          const latest = shown(metric);
          return (
            <div
              key={metric}
              className="value"
              title={latest && t('terminal.measuredAt', { time: dateTime(latest.time, language) })}
            >
              <dt>{titleOf(view.title)}</dt>
              <dd>
                {latest ? valueText({ t, titleOf }, metric, view, latest.value) : t('value.none')}
                {latest && <Age time={latest.time} />}
              </dd>
            </div>
          );
        })}
      </dl>
    </Card>
  );
}
