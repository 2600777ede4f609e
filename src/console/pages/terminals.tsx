import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Select } from 'antd';
import { useAreas } from '../areas.ts';
import { useLanguage } from '../i18n.ts';
import { AreaSelect } from '../parts/area-select.tsx';
import { ExportButton } from '../parts/export-button.tsx';
import { Overview } from '../parts/overview.tsx';
import { Paged } from '../parts/paged.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { TerminalList } from '../parts/terminal-list.tsx';
import { useProfiles } from '../profiles.ts';
import { terminalsQuery } from '../queries.ts';
import { STATUSES, type TerminalSearch } from '../search.ts';
import { useUser } from '../user.ts';

const route = getRouteApi('/shell/terminals');

function Filters({ exportCode }: { exportCode: string | undefined }) {
  const { t, titleOf } = useLanguage();
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const profiles = useProfiles();
  const change = (part: TerminalSearch) =>
    void navigate({ search: (present) => ({ ...present, ...part }), replace: true });
  return (
    <search className="filters">
      <AreaSelect value={filter.areaCode} onChange={(areaCode) => change({ areaCode })} />
      <Select
        className="filter-status"
        aria-label={t('filter.status')}
        placeholder={t('filter.allStatus')}
        value={filter.status ?? null}
        options={STATUSES.map((status) => ({ value: status, label: t(`status.${status}`) }))}
        allowClear
        onChange={(status) => change({ status: status ?? undefined })}
      />
      <Select
        className="filter-profile"
        aria-label={t('filter.profile')}
        placeholder={t('filter.allProfiles')}
        value={filter.profile ?? null}
        options={[...profiles.values()].map(({ profile, title }) => ({ value: profile, label: titleOf(title) }))}
        allowClear
        onChange={(profile) => change({ profile: profile ?? undefined })}
      />
      <SearchBox
        label={t('filter.searchTerminals')}
        value={filter.search ?? ''}
        onChange={(search) => change({ search: search || undefined })}
      />
      {exportCode !== undefined && <ExportButton what={{ areaCode: exportCode }} name={`${exportCode}.csv`} />}
    </search>
  );
}

export function TerminalsPage() {
  const { t } = useLanguage();
  const filter = route.useSearch();
  const user = useUser();
  const { top } = useAreas();
  const code = filter.areaCode ?? user.areaCode ?? top;
  return (
    <>
      <h1 className="title">{t('nav.terminals')}</h1>
      {code !== undefined && <Overview code={code} />}
      <Filters exportCode={user.role === 'resident' ? undefined : code} />
      <Paged query={useInfiniteQuery(terminalsQuery(filter))} empty={t('list.empty')}>
        {(terminals) => <TerminalList terminals={terminals} />}
      </Paged>
    </>
  );
}
