import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useLanguage } from '../i18n.ts';
import { Paged } from '../parts/paged.tsx';
import { RunForm } from '../parts/run-form.tsx';
import { RunPanel } from '../parts/run-panel.tsx';
import { RunTable } from '../parts/run-table.tsx';
import { runsQuery } from '../queries.ts';

const route = getRouteApi('/shell/billing');

/** The address names the run that is shown, so that it is found again after the page was closed. */
export function BillingPage() {
  const { t } = useLanguage();
  const { id } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <>
      <h1 className="title">{t('billingRun.title')}</h1>
      <p className="quiet before">{t('billingRun.hint')}</p>
      <div className="stack">
        <RunForm onBegun={(run) => void navigate({ search: { id: run.id } })} />
        {id !== undefined && <RunPanel key={id} id={id} />}
        <h2>{t('billingRun.list')}</h2>
        <Paged query={useInfiniteQuery(runsQuery())} empty={t('billingRun.none')}>
          {(runs) => <RunTable runs={runs} />}
        </Paged>
      </div>
    </>
  );
}
