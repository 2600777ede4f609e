import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useLanguage } from '../i18n.ts';
import { AreaSelect } from '../parts/area-select.tsx';
import { HouseholdTable } from '../parts/household-table.tsx';
import { Paged } from '../parts/paged.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { householdsQuery } from '../queries.ts';
import type { HouseholdSearch } from '../search.ts';

const route = getRouteApi('/shell/households');

export function HouseholdsPage() {
  const { t } = useLanguage();
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const change = (part: HouseholdSearch) =>
    void navigate({ search: (present) => ({ ...present, ...part }), replace: true });
  return (
    <>
      <h1 className="title">{t('nav.households')}</h1>
      <search className="filters">
        <AreaSelect value={filter.areaCode} onChange={(areaCode) => change({ areaCode })} />
        <SearchBox
          label={t('filter.searchHouseholds')}
          value={filter.search ?? ''}
          onChange={(search) => change({ search: search || undefined })}
        />
      </search>
      <Paged query={useInfiniteQuery(householdsQuery(filter))} empty={t('list.empty')}>
        {(households) => <HouseholdTable households={households} />}
      </Paged>
    </>
  );
}
