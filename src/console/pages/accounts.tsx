import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Alert, Empty, Table, type TableColumnsType } from 'antd';
import type { AccountReport, AccountStatement } from '../../http/schemas/reports.ts';
import { now } from '../clock.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { yuan } from '../money.ts';
import { CompanySelect } from '../parts/company-select.tsx';
import { DayRange } from '../parts/day-range.tsx';
import { FileButtons } from '../parts/file-buttons.tsx';
import { Loaded } from '../parts/loaded.tsx';
import { accountsQuery } from '../queries.ts';
import type { AccountsSearch } from '../search.ts';
import { dayOf, daysBetween } from '../time.ts';
import { useNarrow } from '../use-media.ts';
import { useUser } from '../user.ts';

const route = getRouteApi('/shell/accounts');

/** `clearing:wechat`: what it is, and whose. */
function useAccountName(): (kind: string) => string {
  const { t } = useLanguage();
  const kinds = t('accounts.kinds', { returnObjects: true });
  const methods = t('payment.methods', { returnObjects: true });
  return (kind) => {
    const [what = '', whose] = kind.split(':');
    return whose === undefined ? wordFor(kinds, what) : `${wordFor(kinds, what)} · ${wordFor(methods, whose)}`;
  };
}

function AccountTable({ report: { items, total } }: { report: AccountReport }) {
  const { t } = useLanguage();
  const narrow = useNarrow();
  const { role } = useUser();
  const nameOf = useAccountName();
  const side = (item: AccountStatement) => t(`accounts.sides.${item.side}`);
  const money = (column: 'opening' | 'debit' | 'credit' | 'closing') => ({
    title: t(`accounts.${column}`),
    key: column,
    align: 'right' as const,
    className: 'nowrap',
    render: (_: unknown, item: AccountStatement) => yuan(item[`${column}Fen`]),
  });
  const moved = (item: AccountStatement) => (
    <>
      <div>{`${t('accounts.sides.debit')} ${yuan(item.debitFen)}`}</div>
      <div>{`${t('accounts.sides.credit')} ${yuan(item.creditFen)}`}</div>
    </>
  );
  const first: TableColumnsType<AccountStatement> = [
    {
      title: t('accounts.account'),
      key: 'account',
      className: 'words',
      render: (_, item) => (
        <>
          {nameOf(item.kind)}
          {role !== 'company' && <div className="quiet">{item.companyName}</div>}
          {narrow && <div className="quiet nowrap">{moved(item)}</div>}
        </>
      ),
    },
  ];
  const columns: TableColumnsType<AccountStatement> = narrow
    ? [...first, money('closing')]
    : [
        ...first,
        { title: t('accounts.side'), key: 'side', render: (_, item) => side(item) },
        money('opening'),
        money('debit'),
        money('credit'),
        money('closing'),
      ];
  return (
    <Table<AccountStatement>
      size="small"
      rowKey={({ companyId, kind }) => `${companyId} ${kind}`}
      aria-label={t('accounts.title')}
      columns={columns}
      dataSource={items}
      pagination={false}
      summary={() =>
        narrow ? null : (
          <Table.Summary.Row>
            <Table.Summary.Cell index={0} colSpan={3}>
              {t('deposit.total')}
            </Table.Summary.Cell>
            {[total.debitFen, total.creditFen].map((fen, index) => (
              <Table.Summary.Cell key={index === 0 ? 'debit' : 'credit'} index={index + 1} align="right">
                <strong className="nowrap">{yuan(fen)}</strong>
              </Table.Summary.Cell>
            ))}
            <Table.Summary.Cell index={3} />
          </Table.Summary.Row>
        )
      }
    />
  );
}

/** Both days are in it. Without any, the month so far. */
export function AccountsPage() {
  const { t } = useLanguage();
  const { role } = useUser();
  const navigate = route.useNavigate();
  const today = dayOf(now());
  const { from = `${today.slice(0, 7)}-01`, to = today, companyId } = route.useSearch();
  const change = (part: AccountsSearch) =>
    void navigate({ search: (present) => ({ ...present, ...part }), replace: true });
  const asked = { companyId, ...daysBetween(from, to) };
  const isSpan = from <= to;
  const query = useQuery({ ...accountsQuery(asked), enabled: isSpan });
  return (
    <>
      <h1 className="title">{t('accounts.title')}</h1>
      <p className="quiet before">{t('accounts.hint')}</p>
      <search className="filters">
        <DayRange from={from} to={to} onChange={change} />
        {role !== 'company' && <CompanySelect value={companyId} onChange={(id) => change({ companyId: id })} />}
        {isSpan && <FileButtons path="/reports/accounts" query={asked} name={`accounts-${from}-${to}`} />}
      </search>
      {isSpan ? (
        <Loaded query={query}>
          {(report) =>
            report.items.length === 0 ? (
              <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('accounts.none')} />
            ) : (
              <AccountTable report={report} />
            )
          }
        </Loaded>
      ) : (
        <Alert type="warning" showIcon title={t('takings.noSpan')} />
      )}
    </>
  );
}
