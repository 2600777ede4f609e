import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useLanguage } from '../i18n.ts';
import { AreaSelect } from '../parts/area-select.tsx';
import { FileButtons } from '../parts/file-buttons.tsx';
import { OwingTable } from '../parts/owing-table.tsx';
import { Paged } from '../parts/paged.tsx';
import { arrearsQuery } from '../queries.ts';

const route = getRouteApi('/shell/arrears');

export function ArrearsPage() {
  const { t } = useLanguage();
  const { areaCode } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <>
      <h1 className="title">{t('arrears.title')}</h1>
      <p className="quiet before">{t('arrears.hint')}</p>
      <div className="filters">
        <AreaSelect
          value={areaCode}
          onChange={(code) => void navigate({ search: { areaCode: code }, replace: true })}
        />
        <FileButtons path="/reports/arrears" query={{ areaCode }} name="arrears" />
      </div>
      <Paged query={useInfiniteQuery(arrearsQuery({ areaCode }))} empty={t('arrears.none')}>
        {(owing) => <OwingTable owing={owing} />}
      </Paged>
    </>
  );
}
