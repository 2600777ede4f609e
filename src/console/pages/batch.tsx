import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Alert, Card } from 'antd';
import type { Batch } from '../../http/schemas/batches.ts';
import { useAreas } from '../areas.ts';
import { useAnyCommandText } from '../command-text.ts';
import { useLanguage } from '../i18n.ts';
import { Moment } from '../parts/age.tsx';
import { BatchActions } from '../parts/batch-actions.tsx';
import { BatchItems } from '../parts/batch-items.tsx';
import { BatchProgress, BatchStateTag } from '../parts/batch-progress.tsx';
import { Loaded } from '../parts/loaded.tsx';
import { batchQuery } from '../queries.ts';
import { dateTime } from '../time.ts';

const route = getRouteApi('/shell/batches/$id');

function Steps({ batch }: { batch: Batch }) {
  const { t } = useLanguage();
  return (
    <ol className="after" aria-label={t('batch.steps')}>
      {batch.history.map(({ state, at, by, detail }) => (
        <li key={`${at} ${state}`}>
          {t(`batch.states.${state}`)} · <Moment time={at} /> · {by ?? t('batch.gateway')}
          {detail !== null && ` · ${detail}`}
        </li>
      ))}
    </ol>
  );
}

function Shown({ batch }: { batch: Batch }) {
  const { t, language } = useLanguage();
  const { nameOf } = useAreas();
  const text = useAnyCommandText();
  return (
    <>
      <h1 className="title">
        {text(batch)} <BatchStateTag state={batch.state} />
      </h1>
      <Card size="small">
        <p className="words">{batch.reason}</p>
        <p className="quiet">
          {t('batch.of', { n: batch.total })} · {batch.areaCode === null ? t('batch.byList') : nameOf(batch.areaCode)} ·{' '}
          {t('batch.asked', { who: batch.requestedBy })}
          {batch.via === 'schedule' && ` · ${t('batch.bySchedule')}`} ·{' '}
          {t('batch.rate', { n: batch.perCellPerMinute, m: batch.inFlight })}
        </p>
        {batch.homes > 0 && (
          <p>
            {t('batch.homes')}: <strong>{batch.homes}</strong>
          </p>
        )}
        {batch.state === 'held' && (
          <p className="quiet">{t('batch.until', { time: dateTime(batch.expiresAt, language) })}</p>
        )}
        {batch.state === 'stopped' && <Alert type="error" showIcon title={t('batch.stoppedNote')} />}
        <BatchProgress batch={batch} />
        <BatchActions batch={batch} />
        <Steps batch={batch} />
      </Card>
      <h2 className="title">{t('batch.items')}</h2>
      <BatchItems batch={batch} />
    </>
  );
}

export function BatchPage() {
  const { id } = route.useParams();
  return <Loaded query={useQuery(batchQuery(id))}>{(batch) => <Shown batch={batch} />}</Loaded>;
}
