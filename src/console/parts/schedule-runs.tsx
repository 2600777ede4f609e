import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Tag } from 'antd';
import type { ScheduleRun } from '../../http/schemas/schedules.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { scheduleRunsQuery } from '../queries.ts';
import { Moment } from './age.tsx';
import { Paged } from './paged.tsx';

const COLOURS: Record<ScheduleRun['state'], string> = { ran: 'green', held: 'gold', refused: 'red', missed: 'orange' };

/** What became of each time, the newest first. */
export function ScheduleRuns({ id, label }: { id: string; label: string }) {
  const { t } = useLanguage();
  // A trouble that a batch met, or what only a schedule can meet.
  const words = { ...t('problem', { returnObjects: true }), ...t('schedule.details', { returnObjects: true }) };
  return (
    <Paged query={useInfiniteQuery(scheduleRunsQuery(id))} empty={t('schedule.noRuns')}>
      {(runs) => (
        <ul className="runs" aria-label={label}>
          {runs.map(({ id: run, dueAt, state, batchId, detail }) => (
            <li key={run}>
              <Moment time={dueAt} /> <Tag color={COLOURS[state]}>{t(`schedule.states.${state}`)}</Tag>{' '}
              {batchId !== null && (
                <Link to="/batches/$id" params={{ id: batchId }}>
                  {t('schedule.toBatch')}
                </Link>
              )}
              {detail !== null && <span className="quiet words">{wordFor(words, detail)}</span>}
            </li>
          ))}
        </ul>
      )}
    </Paged>
  );
}
