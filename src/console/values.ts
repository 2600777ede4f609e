import type { ProfileView } from '../http/schemas/terminals.ts';
import type { T, useLanguage } from './i18n.ts';

export type MetricView = ProfileView['metrics'][string];

const oneDecimal = new Intl.NumberFormat('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const allDecimals = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const twoDecimals = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });

const number = (value: number, unit: string): string => (unit === '°C' ? oneDecimal : twoDecimals).format(value);

/** What a counter says: in a column the points stand below each other. */
export const amountText = (amount: number): string => allDecimals.format(amount);

export const withUnit = (value: number, unit: string): string =>
  unit === '' ? number(value, unit) : `${number(value, unit)} ${unit}`;

/** A state in words: what `1` means lies in the metric's last word. */
function stateWord(t: T, metric: string, value: number): string {
  if (metric.endsWith('_open')) return value === 0 ? t('value.closed') : t('value.open');
  if (metric.endsWith('_on')) return value === 0 ? t('value.off') : t('value.on');
  // A trouble's own name is in its title.
  if (/_(low|fault)$/.test(metric)) return value === 0 ? t('value.no') : t('value.yes');
  return twoDecimals.format(value);
}

export type Words = Pick<ReturnType<typeof useLanguage>, 't' | 'titleOf'>;

export function valueText({ t, titleOf }: Words, metric: string, view: MetricView, value: number): string {
  const name = view.names?.[String(value)];
  if (name) return titleOf(name);
  if (view.kind === 'state') return stateWord(t, metric, value);
  return view.kind === 'counter' ? `${amountText(value)} ${view.unit}` : withUnit(value, view.unit);
}
