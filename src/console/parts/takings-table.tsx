import { Table, type TableColumnsType } from 'antd';
import type { Taking, Takings } from '../../http/schemas/reports.ts';
import { useAreas } from '../areas.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { yuan } from '../money.ts';
import type { TakingsBy } from '../search.ts';
import { useNarrow } from '../use-media.ts';
import { useUser } from '../user.ts';

type Sums = Takings['total'];
const net = ({ amountFen, givenBackFen }: Sums) => amountFen - givenBackFen;

/** With how many there were, as a clerk counts receipts. */
function Sum({ fen, count }: { fen: number; count: number }) {
  const { t } = useLanguage();
  return (
    <>
      {yuan(fen)}
      <div className="quiet">{t('takings.count', { n: count })}</div>
    </>
  );
}

export function TakingsTable({ takings: { items, total }, by }: { takings: Takings; by: TakingsBy }) {
  const { t } = useLanguage();
  const { pathOf, nameOf } = useAreas();
  const narrow = useNarrow();
  const { role } = useUser();
  const methods: Record<string, string> = t('payment.methods', { returnObjects: true });
  const keyOf = ({ receivedBy, areaCode, date, method }: Taking): string => {
    if (areaCode !== null) return narrow ? nameOf(areaCode) : pathOf(areaCode);
    return date ?? wordFor(methods, receivedBy ?? method);
  };
  const showsCompany = role !== 'company';
  const first: TableColumnsType<Taking> = narrow
    ? [
        {
          title: t(`takings.keys.${by}`),
          key: 'key',
          className: 'words',
          render: (_, taking) => (
            <>
              {keyOf(taking)}
              <div className="quiet">
                {[
                  ...(taking.receivedBy === taking.method ? [] : [wordFor(methods, taking.method)]),
                  ...(showsCompany ? [taking.companyName] : []),
                ].join(' · ')}
              </div>
            </>
          ),
        },
      ]
    : [
        ...(showsCompany
          ? [{ title: t('deposit.company'), key: 'company', dataIndex: 'companyName', className: 'words' }]
          : []),
        { title: t(`takings.keys.${by}`), key: 'key', className: 'words', render: (_, taking) => keyOf(taking) },
        { title: t('payment.method'), key: 'method', render: (_, { method }) => wordFor(methods, method) },
      ];
  const money = { align: 'right' as const, className: 'nowrap' };
  const columns: TableColumnsType<Taking> = [
    ...first,
    {
      title: t('takings.received'),
      key: 'received',
      ...money,
      render: (_, { amountFen, count }) => <Sum fen={amountFen} count={count} />,
    },
    {
      title: t('takings.givenBack'),
      key: 'back',
      ...money,
      render: (_, { givenBackFen, givenBackCount }) => <Sum fen={givenBackFen} count={givenBackCount} />,
    },
    { title: t('takings.net'), key: 'net', ...money, render: (_, taking) => <strong>{yuan(net(taking))}</strong> },
  ];
  return (
    <Table<Taking>
      size="small"
      rowKey={({ companyId, method, receivedBy, areaCode, date }) =>
        JSON.stringify([companyId, method, receivedBy, areaCode, date])
      }
      aria-label={t('takings.title')}
      columns={columns}
      dataSource={items}
      pagination={false}
      scroll={{ x: narrow ? true : 'max-content' }}
      summary={() => (
        <Table.Summary.Row>
          <Table.Summary.Cell index={0} colSpan={first.length}>
            {t('deposit.total')}
          </Table.Summary.Cell>
          <Table.Summary.Cell index={1} align="right">
            <Sum fen={total.amountFen} count={total.count} />
          </Table.Summary.Cell>
          <Table.Summary.Cell index={2} align="right">
            <Sum fen={total.givenBackFen} count={total.givenBackCount} />
          </Table.Summary.Cell>
          <Table.Summary.Cell index={3} align="right">
            <strong className="nowrap">{yuan(net(total))}</strong>
          </Table.Summary.Cell>
        </Table.Summary.Row>
      )}
    />
  );
}
