import { useState } from 'react';
import { now } from '../../console/clock.ts';
import { dayOf } from '../../console/time.ts';
import type { HouseholdUsage } from '../../http/schemas/billing.ts';
import type { ProfileView } from '../../http/schemas/terminals.ts';
import { fill, useWords } from '../language.tsx';
import { useLoad } from '../load.ts';
import { monthsFrom, rangeOf } from '../months.ts';
import { type Compared, compare } from '../use-days.ts';
import { BarChart } from './bar-chart.tsx';
import { Part } from './part.tsx';

const amountText = (amount: number | null): string =>
  amount === null ? '–' : amount.toLocaleString('en-US', { maximumFractionDigits: 1 });

function Difference({ shared: { now: used, before, days } }: Compared) {
  const { texts } = useWords();
  const { use } = texts;
  if (before === 0) return <p className="quiet">{use.noLastYear}</p>;
  const percent = Math.round(((used - before) / before) * 100);
  const text = percent === 0 ? use.same : fill(percent > 0 ? use.more : use.less, { percent: Math.abs(percent) });
  return (
    <p className={percent > 0 ? 'worry' : 'good'}>
      {text} <span className="quiet">({fill(use.sameDays, { n: days })})</span>
    </p>
  );
}

function Counter({ of, title }: { of: Compared; title: string }) {
  const { texts } = useWords();
  const { use } = texts;
  return (
    <section className="card">
      <h2>
        {title} ({of.unit})
      </h2>
      <p className="room">
        <span>{use.total}</span> <strong>{`${amountText(of.total)} ${of.unit}`}</strong>
      </p>
      <Difference {...of} />
      <BarChart bars={of.bars} label={fill(use.chart, { what: title })} />
      <p className="legend">
        <i className="bar-now" /> {use.thisYear} <i className="bar-before" /> {use.lastYear}
      </p>
      <details>
        <summary>{use.table}</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">{use.when}</th>
              <th scope="col">{use.thisYear}</th>
              <th scope="col">{use.lastYear}</th>
            </tr>
          </thead>
          <tbody>
            {of.bars.map(({ label, now: amount, before, doubtful }) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                <td>
                  {amountText(amount)}
                  {doubtful && '*'}
                </td>
                <td>{amountText(before)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
      {of.doubtful && <p className="quiet">{use.doubtful}</p>}
    </section>
  );
}

/** Days of one month, or the last twelve months; `first` and `last` are months such as 2026-11. */
function Period({
  householdId,
  first,
  last,
  labelOf,
}: {
  householdId: string;
  first: string;
  last: string;
  labelOf: (day: string) => string;
}) {
  const { texts, titleOf } = useWords();
  const path = `/households/${householdId}/usage`;
  const today = dayOf(now());
  const present = useLoad<HouseholdUsage>(path, rangeOf(first, last, today));
  const past = useLoad<HouseholdUsage>(path, rangeOf(monthsFrom(first, -12), monthsFrom(last, -12), today));
  const profiles = useLoad<{ items: ProfileView[] }>('/profiles');
  const titleOfMetric = (metric: string): string => {
    const view = profiles.data?.items.map(({ metrics }) => metrics[metric]).find((each) => each !== undefined);
    return view ? titleOf(view.title) : metric;
  };
  return (
    <Part loaded={present}>
      {(used) => (
        <Part loaded={past}>
          {(before) => {
            const counters = compare(used, before, labelOf).filter(({ bars }) => bars.some((bar) => bar.now !== null));
            return counters.length === 0 ? (
              <p className="card quiet">{texts.use.none}</p>
            ) : (
              counters.map((each) => <Counter key={each.metric} of={each} title={titleOfMetric(each.metric)} />)
            );
          }}
        </Part>
      )}
    </Part>
  );
}

export function UsePage({ householdId }: { householdId: string }) {
  const { texts } = useWords();
  const { use } = texts;
  const present = dayOf(now()).slice(0, 7);
  const [by, setBy] = useState<'day' | 'month'>('day');
  const [month, setMonth] = useState(present);
  return (
    <>
      <div className="choice">
        <button type="button" aria-pressed={by === 'day'} onClick={() => setBy('day')}>
          {use.byDay}
        </button>
        <button type="button" aria-pressed={by === 'month'} onClick={() => setBy('month')}>
          {use.byMonth}
        </button>
      </div>
      {by === 'day' && (
        <div className="choice">
          <button type="button" aria-label={use.before} onClick={() => setMonth(monthsFrom(month, -1))}>
            ‹
          </button>
          <strong>{month}</strong>
          <button
            type="button"
            aria-label={use.after}
            disabled={month >= present}
            onClick={() => setMonth(monthsFrom(month, 1))}
          >
            ›
          </button>
        </div>
      )}
      {by === 'day' ? (
        <Period householdId={householdId} first={month} last={month} labelOf={(day) => day.slice(8)} />
      ) : (
        <Period
          householdId={householdId}
          first={monthsFrom(present, -11)}
          last={present}
          labelOf={(day) => day.slice(2, 7)}
        />
      )}
    </>
  );
}
