import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { useEffect, useRef } from 'react';
import { isAlone, type Point } from '../gaps.ts';
import { type Language, useLanguage } from '../i18n.ts';
import { dateTime, hourMinute, monthDay } from '../time.ts';
import { withUnit } from '../values.ts';

use([LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

type Series = { name: string; points: Point[] };
type Props = { unit: string; series: Series[]; from: number; to: number; label: string };

const COLORS = ['#b5472f', '#1f6feb', '#2e7d32', '#8e44ad', '#b26a00', '#00838f'];
const LONG_MS = 2 * 86_400_000;

function lineOf({ name, points }: Series) {
  return {
    name,
    type: 'line',
    data: points.map((value, index) => ({ value, symbolSize: isAlone(points, index) ? 5 : 0 })),
    symbol: 'circle',
    showAllSymbol: true,
    connectNulls: false,
    lineStyle: { width: 2 },
  };
}

function optionOf({ unit, series, from, to }: Props, language: Language): EChartsCoreOption {
  const tick = to - from > LONG_MS ? monthDay : hourMinute;
  return {
    animation: false,
    color: COLORS,
    grid: { left: 8, right: 16, top: 56, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    legend: { top: 0, left: 0, type: 'scroll' },
    tooltip: {
      trigger: 'axis',
      confine: true,
      valueFormatter: (value: unknown) => (typeof value === 'number' ? withUnit(value, unit) : '—'),
      axisPointer: { label: { formatter: ({ value }: { value: number }) => dateTime(value, language) } },
    },
    xAxis: {
      type: 'time',
      min: from,
      max: to,
      axisLabel: { formatter: (time: number) => tick(time, language), hideOverlap: true },
    },
    yAxis: { type: 'value', scale: true, name: unit, axisLabel: { hideOverlap: true } },
    series: series.map(lineOf),
  };
}

export function MetricChart(props: Props) {
  const { language } = useLanguage();
  const element = useRef<HTMLDivElement>(null);
  const chart = useRef<ReturnType<typeof init>>(undefined);

  useEffect(() => {
    if (element.current === null) return;
    const made = init(element.current);
    chart.current = made;
    const resize = new ResizeObserver(() => made.resize());
    resize.observe(element.current);
    return () => {
      resize.disconnect();
      made.dispose();
    };
  }, []);

  useEffect(() => {
    chart.current?.setOption(optionOf(props, language), { notMerge: true });
  });

  return <div ref={element} className="chart" role="img" aria-label={props.label} />;
}
