import { Tag } from 'antd';
import type { LineDetail } from '../../http/schemas/modbus.ts';
import { type T, useLanguage } from '../i18n.ts';

/** How lines and units are said to do. Never by colour alone: a sign and a word too. */

type AnswerMs = LineDetail['units'][number]['answerMs'];

/** Median and 95th percentile. */
export function answerText(t: T, { median, slow }: AnswerMs): string {
  if (median === null || slow === null) return t('value.none');
  return t('line.ms', { ms: `${Math.round(median)} / ${Math.round(slow)}` });
}

export const shareText = (share: number): string => `${Math.round(share * 1_000) / 10} %`;

export function LineState({ isUp }: { isUp: boolean }) {
  const { t } = useLanguage();
  return (
    <Tag color={isUp ? 'green' : 'red'}>
      <span aria-hidden="true">{isUp ? '●' : '✕'}</span> {t(isUp ? 'line.up' : 'line.down')}
    </Tag>
  );
}

const BREAKERS = {
  closed: { color: 'green', sign: '●' },
  half_open: { color: 'gold', sign: '?' },
  open: { color: 'red', sign: '✕' },
} as const;

export function BreakerState({ breaker, nextTryInMs }: Pick<LineDetail['units'][number], 'breaker' | 'nextTryInMs'>) {
  const { t } = useLanguage();
  const { color, sign } = BREAKERS[breaker];
  const seconds = Math.ceil(nextTryInMs / 1_000);
  return (
    <>
      <Tag color={color}>
        <span aria-hidden="true">{sign}</span> {t(`line.breakers.${breaker}`)}
      </Tag>
      {breaker === 'open' && <span className="quiet nowrap">{t('line.nextTry', { n: seconds })}</span>}
    </>
  );
}

/** What another program said, as it said it. */
export function Trouble({ text }: { text: string | null | undefined }) {
  if (!text) return null;
  return (
    <div className="words quiet" lang="en">
      {text}
    </div>
  );
}
