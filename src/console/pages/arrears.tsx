import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useLanguage } from '../i18n.ts';
import { AreaSelect } from '../parts/area-select.tsx';
import { CompanySelect } from '../parts/company-select.tsx';
import { FileButtons } from '../parts/file-buttons.tsx';
import { OwingTable } from '../parts/owing-table.tsx';
import { Paged } from '../parts/paged.tsx';
import { arrearsQuery } from '../queries.ts';
import type { ArrearsSearch } from '../search.ts';
import { useUser } from '../user.ts';

const route = getRouteApi('/shell/arrears');

export function ArrearsPage() {
  const { t } = useLanguage();
  const { role } = useUser();
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const change = (part: ArrearsSearch) =>
    void navigate({ search: (present) => ({ ...present, ...part }), replace: true });
  return (
    <>
      <h1 className="title">{t('arrears.title')}</h1>
      <p className="quiet before">{t('arrears.hint')}</p>
      <div className="filters">
        {role !== 'company' && (
          <CompanySelect value={filter.companyId} onChange={(companyId) => change({ companyId })} />
        )}
        <AreaSelect value={filter.areaCode} onChange={(areaCode) => change({ areaCode })} />
        <FileButtons path="/reports/arrears" query={filter} name="arrears" />
      </div>
      <Paged query={useInfiniteQuery(arrearsQuery(filter))} empty={t('arrears.none')}>
        {(owing) => <OwingTable owing={owing} />}
      </Paged>
    </>
  );
}
