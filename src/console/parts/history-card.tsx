import { useQueries } from '@tanstack/react-query';
import { Card, Checkbox, Empty, Radio } from 'antd';
import { useState } from 'react';
import type { ProfileView, Terminal } from '../../http/schemas/terminals.ts';
import { now } from '../clock.ts';
import { withGaps } from '../gaps.ts';
import { useLanguage } from '../i18n.ts';
import { readingsQuery } from '../queries.ts';
import { RANGES, type Range } from '../ranges.ts';
import type { MetricView } from '../values.ts';
import { ExportButton } from './export-button.tsx';
import { Failure } from './failure.tsx';
import { Loading } from './loaded.tsx';
import { MetricChart } from './metric-chart.tsx';

type Metric = { metric: string; view: MetricView };

const gaugesOf = (profile: ProfileView): Metric[] =>
  Object.entries(profile.metrics)
    .filter(([, view]) => view.kind === 'gauge')
    .map(([metric, view]) => ({ metric, view }));

/** As many as a chart has colours for. */
const MOST_AT_FIRST = 6;

/** Temperatures where there are any: they are what people ask about. */
function firstChoice(gauges: Metric[]): string[] {
  const temperatures = gauges.filter(({ view }) => view.unit === '°C');
  return (temperatures.length > 0 ? temperatures.slice(0, MOST_AT_FIRST) : gauges.slice(0, 1)).map(
    ({ metric }) => metric,
  );
}

function Charts({ terminalId, metrics, range }: { terminalId: string; metrics: Metric[]; range: Range }) {
  const { t, titleOf } = useLanguage();
  const queries = useQueries({ queries: metrics.map(({ metric }) => readingsQuery(terminalId, metric, range)) });
  const failed = queries.find((query) => query.error !== null);
  if (failed?.error) return <Failure error={failed.error} onRetry={() => void failed.refetch()} />;
  if (queries.some((query) => query.data === undefined)) return <Loading />;
  const drawn = metrics.map(({ view }, index) => ({
    unit: view.unit,
    name: titleOf(view.title),
    points: withGaps(queries[index]?.data?.points ?? [], range.everyMs),
  }));
  if (drawn.every(({ points }) => points.length === 0)) {
    return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('chart.empty')} />;
  }
  const to = now();
  return [...Map.groupBy(drawn, ({ unit }) => unit)].map(([unit, series]) => (
    <MetricChart
      key={unit}
      unit={unit}
      series={series}
      from={to - range.lengthMs}
      to={to}
      label={t('chart.description', {
        metrics: series.map(({ name }) => name).join(', '),
        n: series.reduce((sum, { points }) => sum + points.filter(([, value]) => value !== null).length, 0),
      })}
    />
  ));
}

function RangeChoice({ range, onChange }: { range: Range; onChange: (range: Range) => void }) {
  const { t } = useLanguage();
  return (
    <Radio.Group
      aria-label={t('chart.range')}
      optionType="button"
      size="small"
      value={range.name}
      options={RANGES.map(({ name }) => ({ value: name, label: t(`chart.${name}`) }))}
      onChange={({ target }) => onChange(RANGES.find(({ name }) => name === target.value) ?? range)}
    />
  );
}

export function HistoryCard({ terminal, profile }: { terminal: Terminal; profile: ProfileView }) {
  const { t, titleOf } = useLanguage();
  const gauges = gaugesOf(profile);
  const [range, setRange] = useState<Range>(RANGES[1]);
  const [chosen, setChosen] = useState(() => firstChoice(gauges));
  const metrics = gauges.filter(({ metric }) => chosen.includes(metric));
  return (
    <Card size="small" title={<h2>{t('chart.title')}</h2>} extra={<RangeChoice range={range} onChange={setRange} />}>
      <div className="between">
        <fieldset className="plain" aria-label={t('chart.metrics')}>
          <Checkbox.Group
            value={chosen}
            options={gauges.map(({ metric, view }) => ({ value: metric, label: titleOf(view.title) }))}
            onChange={setChosen}
          />
        </fieldset>
        <ExportButton what={{ terminalIds: terminal.id }} name={`${terminal.id}.csv`} />
      </div>
      {metrics.length === 0 ? (
        <p className="quiet">{t('chart.choose')}</p>
      ) : (
        <Charts terminalId={terminal.id} metrics={metrics} range={range} />
      )}
    </Card>
  );
}
