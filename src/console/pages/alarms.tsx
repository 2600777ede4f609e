import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Radio } from 'antd';
import { useLanguage } from '../i18n.ts';
import { AlarmTable } from '../parts/alarm-table.tsx';
import { Paged } from '../parts/paged.tsx';
import { alarmsQuery } from '../queries.ts';
import { ALARM_STATES } from '../search.ts';

const route = getRouteApi('/shell/alarms');

export function AlarmsPage() {
  const { t } = useLanguage();
  const { state = 'open' } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <>
      <h1 className="title">{t('alarm.title')}</h1>
      <div className="filters">
        <Radio.Group
          aria-label={t('alarm.state')}
          optionType="button"
          value={state}
          options={ALARM_STATES.map((each) => ({ value: each, label: t(`alarm.states.${each}`) }))}
          onChange={(event) => void navigate({ search: { state: event.target.value }, replace: true })}
        />
      </div>
      <Paged query={useInfiniteQuery(alarmsQuery(state))} empty={t('alarm.none')}>
        {(alarms) => <AlarmTable alarms={alarms} />}
      </Paged>
    </>
  );
}
