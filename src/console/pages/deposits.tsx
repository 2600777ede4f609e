import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Alert, Empty, Table, type TableColumnsType } from 'antd';
import type { DepositStatement } from '../../http/schemas/deposits.ts';
import { useAreas } from '../areas.ts';
import { now } from '../clock.ts';
import { useLanguage } from '../i18n.ts';
import { yuan } from '../money.ts';
import { AreaSelect } from '../parts/area-select.tsx';
import { CompanySelect } from '../parts/company-select.tsx';
import { DayRange } from '../parts/day-range.tsx';
import { FileButtons } from '../parts/file-buttons.tsx';
import { Loaded } from '../parts/loaded.tsx';
import { depositsQuery } from '../queries.ts';
import type { DepositSearch } from '../search.ts';
import { dayOf, daysBetween } from '../time.ts';
import { useUser } from '../user.ts';

const route = getRouteApi('/shell/deposits');

const COLUMNS = ['opening', 'received', 'offset', 'refunded', 'corrected', 'closing'] as const;
type Column = (typeof COLUMNS)[number];

function DepositTable({ items }: { items: DepositStatement[] }) {
  const { t } = useLanguage();
  const { pathOf } = useAreas();
  const fenOf = (column: Column, item: DepositStatement) => item[`${column}Fen`];
  const columns: TableColumnsType<DepositStatement> = [
    { title: t('deposit.company'), key: 'company', dataIndex: 'companyName', className: 'words' },
    { title: t('deposit.county'), key: 'county', render: (_, { areaCode }) => pathOf(areaCode) },
    ...COLUMNS.map((column) => ({
      title: t(`deposit.${column}`),
      key: column,
      align: 'right' as const,
      className: 'nowrap',
      render: (_: unknown, item: DepositStatement) => yuan(fenOf(column, item)),
    })),
  ];
  const total = (column: Column) => items.reduce((sum, item) => sum + fenOf(column, item), 0);
  return (
    <Table<DepositStatement>
      size="small"
      rowKey={({ companyId, areaCode }) => `${companyId} ${areaCode}`}
      aria-label={t('deposit.report')}
      columns={columns}
      dataSource={items}
      pagination={false}
      scroll={{ x: 'max-content' }}
      summary={() => (
        <Table.Summary.Row>
          <Table.Summary.Cell index={0} colSpan={2}>
            {t('deposit.total')}
          </Table.Summary.Cell>
          {COLUMNS.map((column, index) => (
            <Table.Summary.Cell key={column} index={index + 2} align="right">
              <strong className="nowrap">{yuan(total(column))}</strong>
            </Table.Summary.Cell>
          ))}
        </Table.Summary.Row>
      )}
    />
  );
}

/** Both days are in it. Without any, the year until today. */
export function DepositsPage() {
  const { t } = useLanguage();
  const { role } = useUser();
  const navigate = route.useNavigate();
  const today = dayOf(now());
  const { from = `${today.slice(0, 4)}-01-01`, to = today, ...place } = route.useSearch();
  const change = (part: DepositSearch) =>
    void navigate({ search: (present) => ({ ...present, ...part }), replace: true });
  const asked = { ...place, ...daysBetween(from, to) };
  const isSpan = from <= to;
  const query = useQuery({ ...depositsQuery(asked), enabled: isSpan });
  return (
    <>
      <h1 className="title">{t('deposit.report')}</h1>
      <search className="filters">
        <DayRange from={from} to={to} onChange={change} />
        {role !== 'company' && (
          <CompanySelect value={place.companyId} onChange={(companyId) => change({ companyId })} />
        )}
        <AreaSelect value={place.areaCode} onChange={(areaCode) => change({ areaCode })} />
        {isSpan && <FileButtons path="/reports/deposits" query={asked} name={`deposits-${from}-${to}`} />}
      </search>
      {isSpan ? (
        <Loaded query={query}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('deposit.none')} />
            ) : (
              <DepositTable items={items} />
            )
          }
        </Loaded>
      ) : (
        <Alert type="warning" showIcon title={t('takings.noSpan')} />
      )}
    </>
  );
}
