import { useInfiniteQuery } from '@tanstack/react-query';
import { useLanguage } from '../i18n.ts';
import { Paged } from '../parts/paged.tsx';
import { ScheduleForm } from '../parts/schedule-form.tsx';
import { ScheduleTable } from '../parts/schedule-table.tsx';
import { schedulesQuery } from '../queries.ts';

export function SchedulesPage() {
  const { t } = useLanguage();
  return (
    <>
      <h1 className="title">{t('schedule.title')}</h1>
      <p className="quiet before">{t('schedule.hint')}</p>
      <ScheduleForm />
      <div className="after">
        <Paged query={useInfiniteQuery(schedulesQuery())} empty={t('schedule.none')}>
          {(schedules) => <ScheduleTable schedules={schedules} />}
        </Paged>
      </div>
    </>
  );
}
