import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Card, Empty, Select } from 'antd';
import type { LineList } from '../../http/schemas/modbus.ts';
import { type T, useLanguage } from '../i18n.ts';
import { type Figure, Figures } from '../parts/figures.tsx';
import { LineTable } from '../parts/line-table.tsx';
import { Loaded } from '../parts/loaded.tsx';
import { Paged } from '../parts/paged.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { linesQuery, lineTotalsQuery } from '../queries.ts';
import type { LineSearch } from '../search.ts';
import { mayProvision, useUser } from '../user.ts';

const route = getRouteApi('/shell/lines');

const totalFigures = (t: T, { lines, troubled, units, silent }: LineList['totals']): Figure[] => [
  { name: t('line.title'), value: lines },
  { name: t('line.troubledLines'), value: troubled, hint: t('line.troubledHint'), worry: true },
  { name: t('line.units'), value: units },
  { name: t('line.silentUnits'), value: silent, worry: true },
];

const dialInFigures = (t: T, dialIn: NonNullable<LineList['dialIn']>): Figure[] => [
  { name: t('line.dialIn.ports'), value: dialIn.ports },
  { name: t('line.dialIn.connections'), value: dialIn.connections },
  { name: t('line.dialIn.accepted'), value: dialIn.accepted },
  { name: t('line.dialIn.strangers'), value: dialIn.strangers },
  { name: t('line.dialIn.unknown'), value: dialIn.unknown, hint: t('line.dialIn.unknownHint'), worry: true },
  { name: t('line.dialIn.silent'), value: dialIn.silent, hint: t('line.dialIn.silentHint'), worry: true },
  { name: t('line.dialIn.overLimit'), value: dialIn.overLimit, worry: true },
];

function Filters() {
  const { t } = useLanguage();
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const change = (part: LineSearch) => void navigate({ search: (present) => ({ ...present, ...part }), replace: true });
  return (
    <search className="filters">
      <Select
        className="filter-status"
        aria-label={t('line.state')}
        placeholder={t('line.allLines')}
        value={filter.troubled ?? null}
        options={[
          { value: 'true', label: t('line.onlyTroubled') },
          { value: 'false', label: t('line.onlyWell') },
        ]}
        allowClear
        onChange={(troubled) => change({ troubled: troubled ?? undefined })}
      />
      <SearchBox
        label={t('line.search')}
        value={filter.search ?? ''}
        onChange={(search) => change({ search: search || undefined })}
      />
    </search>
  );
}

/** What to do where there is no line yet. */
function NoLines() {
  const { t } = useLanguage();
  const user = useUser();
  return (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('line.none')}>
      <p className="quiet">{t('line.howToAdd')}</p>
      {mayProvision(user) && <Link to="/imports">{t('nav.imports')}</Link>}
    </Empty>
  );
}

function Lines() {
  const { t } = useLanguage();
  const filter = route.useSearch();
  return (
    <>
      <Filters />
      <Paged query={useInfiniteQuery(linesQuery(filter))} empty={t('line.noneFound')}>
        {(items) => <LineTable items={items} />}
      </Paged>
    </>
  );
}

export function LinesPage() {
  const { t } = useLanguage();
  return (
    <>
      <h1 className="title">{t('line.title')}</h1>
      <Loaded query={useQuery(lineTotalsQuery())}>
        {({ totals, dialIn }) => (
          <>
            {(totals.lines > 0 || (dialIn !== null && dialIn.ports > 0)) && (
              <Card size="small" className="overview">
                <Figures figures={totalFigures(t, totals)} label={t('line.title')} />
                {dialIn !== null && dialIn.ports > 0 && (
                  <>
                    <h2 className="after">{t('line.dialIn.title')}</h2>
                    <Figures figures={dialInFigures(t, dialIn)} label={t('line.dialIn.title')} />
                  </>
                )}
              </Card>
            )}
            {totals.lines === 0 ? <NoLines /> : <Lines />}
          </>
        )}
      </Loaded>
    </>
  );
}
