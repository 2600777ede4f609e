import { Progress, Tag } from 'antd';
import type { Batch, BatchItemState, BatchState } from '../../http/schemas/batches.ts';
import { useLanguage } from '../i18n.ts';

const COLOR: Record<BatchState, string> = {
  held: 'gold',
  running: '#1f6feb',
  paused: 'default',
  stopped: 'red',
  done: 'default',
  refused: 'red',
  cancelled: 'default',
};

export function BatchStateTag({ state }: { state: BatchState }) {
  const { t } = useLanguage();
  return <Tag color={COLOR[state]}>{t(`batch.states.${state}`)}</Tag>;
}

/** Of these something can still come. */
const OPEN: readonly BatchItemState[] = ['waiting', 'held', 'queued', 'sent', 'acknowledged'];

export const countsInOrder = ({ counts }: Pick<Batch, 'counts'>): [BatchItemState, number][] =>
  (Object.entries(counts) as [BatchItemState, number][]).sort(([, a], [, b]) => b - a);

/** Green is what readings have confirmed; the bar is as full as terminals have come to an end. */
export function BatchProgress({ batch }: { batch: Batch }) {
  const { t } = useLanguage();
  const open = OPEN.reduce((sum, state) => sum + (batch.counts[state] ?? 0), 0);
  const share = (count: number) => Math.floor((count * 100) / Math.max(1, batch.total));
  return (
    <div>
      <Progress
        size="small"
        status="normal"
        aria-label={t('batch.progress')}
        percent={share(batch.total - open)}
        success={{ percent: share(batch.counts.confirmed ?? 0) }}
      />
      <div className="quiet words">
        {countsInOrder(batch)
          .map(([state, count]) => `${t(`batch.itemStates.${state}`)} ${count}`)
          .join(' · ')}
      </div>
    </div>
  );
}
