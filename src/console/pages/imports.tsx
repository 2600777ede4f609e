import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useLanguage } from '../i18n.ts';
import { ImportForm } from '../parts/import-form.tsx';
import { ImportPanel } from '../parts/import-panel.tsx';
import { ImportTable } from '../parts/import-table.tsx';
import { Paged } from '../parts/paged.tsx';
import { importsQuery } from '../queries.ts';

const route = getRouteApi('/shell/imports');

/** The address names the import that is shown, so that it is found again after the page was closed. */
export function ImportsPage() {
  const { t } = useLanguage();
  const { id } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <>
      <h1 className="title">{t('import.title')}</h1>
      <p className="quiet before">{t('import.hint')}</p>
      <div className="stack">
        <ImportForm onBegun={(begun) => void navigate({ search: { id: begun.id } })} />
        {id !== undefined && <ImportPanel key={id} id={id} />}
        <h2>{t('import.list')}</h2>
        <Paged query={useInfiniteQuery(importsQuery())} empty={t('import.none')}>
          {(items) => <ImportTable items={items} />}
        </Paged>
      </div>
    </>
  );
}
