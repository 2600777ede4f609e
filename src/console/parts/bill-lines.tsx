import { Table, type TableColumnsType } from 'antd';
import type { BillLine, FullBill } from '../../http/schemas/bills.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { yuan } from '../money.ts';

/** What a line is, in words: its tier and from where to where that goes, its time of the day, its days. */
function useLineWords(bill: FullBill) {
  const { t, titleOf } = useLanguage();
  const bands: Record<string, string> = t('bill.bands', { returnObjects: true });

  function reach({ tierFrom, tierTo, unit }: BillLine): string | undefined {
    if (tierFrom === null) return undefined;
    return tierTo === null
      ? t('bill.above', { from: tierFrom, unit })
      : t('bill.between', { from: tierFrom, to: tierTo, unit });
  }

  return (line: BillLine) => {
    const title = bill.tariffs[line.tariff];
    return {
      what: [
        t(`bill.rules.${line.rule}`, { tier: line.tier ?? '' }),
        line.band === null ? undefined : t('bill.band', { band: wordFor(bands, line.band) }),
        reach(line),
      ]
        .filter((part) => part !== undefined)
        .join(' · '),
      why: [
        t('bill.days', { from: line.from, to: line.to }),
        line.countedSince === null ? undefined : t('bill.counted', { since: line.countedSince }),
        t('bill.version', { tariff: title ? titleOf(title) : line.tariff, since: line.version }),
      ]
        .filter((part) => part !== undefined)
        .join(' · '),
    };
  };
}

/** Line by line, so that it can be checked with a pocket calculator. */
export function BillLines({ bill }: { bill: FullBill }) {
  const { t } = useLanguage();
  const wordsOf = useLineWords(bill);
  const columns: TableColumnsType<BillLine> = [
    {
      title: t('bill.item'),
      key: 'item',
      render: (_, line) => {
        const { what, why } = wordsOf(line);
        return (
          <>
            <div>{what}</div>
            <div className="quiet">{why}</div>
          </>
        );
      },
    },
    {
      title: `${t('bill.quantity')} × ${t('bill.price')}`,
      key: 'quantity',
      align: 'right',
      render: (_, { quantity, unit, unitPrice }) => `${quantity} ${unit} × ${unitPrice}`,
    },
    {
      title: t('bill.amount'),
      key: 'amount',
      align: 'right',
      className: 'nowrap',
      render: (_, { amountFen }) => yuan(amountFen),
    },
  ];
  return (
    <>
      <Table<BillLine>
        size="small"
        rowKey={(line) => [line.rule, line.tariff, line.version, line.band, line.tier, line.countedSince].join()}
        aria-label={t('bill.lines')}
        columns={columns}
        dataSource={bill.lines}
        pagination={false}
        locale={{ emptyText: t('bill.noLines') }}
        summary={() => (
          <Table.Summary.Row>
            <Table.Summary.Cell index={0} colSpan={2}>
              <strong>{t('bill.sum')}</strong>
            </Table.Summary.Cell>
            <Table.Summary.Cell index={2} align="right" className="nowrap">
              <strong>{yuan(bill.totalFen)}</strong>
            </Table.Summary.Cell>
          </Table.Summary.Row>
        )}
      />
      <p className="quiet">{t('bill.explained')}</p>
    </>
  );
}
