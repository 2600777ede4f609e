import type { Bar } from '../use-days.ts';

const WIDTH = 320;
const HEIGHT = 130;
const FOOT = 16;

/** Two bars for each label: this year's before last year's. For the eye only; the figures stand in a table. */
export function BarChart({ bars, label }: { bars: Bar[]; label: string }) {
  const most = Math.max(...bars.flatMap(({ now, before }) => [now ?? 0, before ?? 0])) || 1;
  const step = WIDTH / bars.length;
  const every = Math.ceil(bars.length / 11);
  const height = (amount: number | null) => Math.max(0, ((amount ?? 0) / most) * HEIGHT);
  return (
    <svg className="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT + FOOT}`} role="img" aria-label={label}>
      {bars.map(({ label: name, now, before }, index) => (
        <g key={name}>
          <rect
            className="bar-before"
            x={index * step + step * 0.36}
            y={HEIGHT - height(before)}
            width={step * 0.5}
            height={height(before)}
          />
          <rect
            className="bar-now"
            x={index * step + step * 0.12}
            y={HEIGHT - height(now)}
            width={step * 0.5}
            height={height(now)}
          />
          {index % every === 0 && (
            <text x={index * step + step / 2} y={HEIGHT + FOOT - 3} textAnchor="middle">
              {name}
            </text>
          )}
        </g>
      ))}
      <line x1="0" x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
    </svg>
  );
}
