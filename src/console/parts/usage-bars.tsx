import type { Usage } from '../../http/schemas/readings.ts';
import { useLanguage } from '../i18n.ts';
import { useMetricTitle } from '../profiles.ts';
import { monthDay } from '../time.ts';
import { amountText } from '../values.ts';

type Window = Usage[number];

interface CounterUse {
  metric: string;
  unit: string;
  items: Usage;
}

function Bar({ amount, most, quality }: { amount: number | null; most: number; quality: Window['quality'] }) {
  const width = amount === null || most === 0 ? 0 : Math.max(0, (amount / most) * 100);
  return (
    <div className="bar" aria-hidden="true">
      <div className={`bar-fill bar-${quality}`} style={{ width: `${width}%` }} />
    </div>
  );
}

/** One day a row: bars for the eye, a table for everyone. What was not measured says so in words. */
export function UsageBars({ usage, terminalId }: { usage: CounterUse; terminalId?: string }) {
  const { t, language } = useLanguage();
  const metricTitle = useMetricTitle();
  const most = Math.max(0, ...usage.items.map(({ amount }) => amount ?? 0));
  return (
    <table className="usage">
      <caption>
        {terminalId !== undefined && `${terminalId} · `}
        {metricTitle(usage.metric)} ({usage.unit})
      </caption>
      <thead>
        <tr>
          <th scope="col">{t('usage.day')}</th>
          <th scope="col" colSpan={2}>
            {t('usage.amount')} ({usage.unit})
          </th>
          <th scope="col">{t('usage.quality')}</th>
        </tr>
      </thead>
      <tbody>
        {usage.items.map(({ from, amount, quality }) => (
          <tr key={from}>
            <th scope="row">{monthDay(from, language)}</th>
            <td className="usage-bar">
              <Bar amount={amount} most={most} quality={quality} />
            </td>
            <td className="usage-amount">{amount === null ? t('value.none') : amountText(amount)}</td>
            <td className={`quality quality-${quality}`}>{t(`usage.${quality}`)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
