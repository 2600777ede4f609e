import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Card, Segmented } from 'antd';
import { useLanguage } from '../i18n.ts';
import { ComparedDays } from '../parts/compared-days.tsx';
import { DifferenceTable } from '../parts/difference-table.tsx';
import { FileButtons } from '../parts/file-buttons.tsx';
import { HeldNotifications } from '../parts/held-notifications.tsx';
import { Paged } from '../parts/paged.tsx';
import { differencesQuery } from '../queries.ts';
import { DIFFERENCE_STATES, type ReconciliationSearch } from '../search.ts';
import { useUser } from '../user.ts';

const route = getRouteApi('/shell/reconciliation');

type State = (typeof DIFFERENCE_STATES)[number];

function Differences({ state, onChange }: { state: State; onChange: (state: State) => void }) {
  const { t } = useLanguage();
  return (
    <Card size="small" title={<h2>{t('reconciliation.differences')}</h2>}>
      <div className="filters">
        <Segmented
          aria-label={t('reconciliation.show')}
          value={state}
          options={DIFFERENCE_STATES.map((value) => ({ value, label: t(`reconciliation.shown.${value}`) }))}
          onChange={onChange}
        />
        <FileButtons path="/reports/differences" query={{ state }} name={`differences-${state}`} />
      </div>
      <Paged query={useInfiniteQuery(differencesQuery(state))} empty={t('reconciliation.noDifferences')}>
        {(differences) => <DifferenceTable differences={differences} />}
      </Paged>
    </Card>
  );
}

export function ReconciliationPage() {
  const { t } = useLanguage();
  const user = useUser();
  const { state = 'open', held = 'held' } = route.useSearch();
  const navigate = route.useNavigate();
  const change = (part: ReconciliationSearch) =>
    void navigate({ search: (present) => ({ ...present, ...part }), replace: true });
  return (
    <>
      <h1 className="title">{t('reconciliation.title')}</h1>
      <p className="quiet before">{t('reconciliation.hint')}</p>
      <div className="columns">
        <div className="stack">
          <Differences state={state} onChange={(one) => change({ state: one })} />
        </div>
        <div className="stack">
          {user.role === 'admin' && <ComparedDays />}
          <HeldNotifications state={held} onChange={(one) => change({ held: one })} />
        </div>
      </div>
    </>
  );
}
