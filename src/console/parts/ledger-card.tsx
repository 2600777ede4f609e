import { useInfiniteQuery } from '@tanstack/react-query';
import { Card, Segmented, Table, type TableColumnsType } from 'antd';
import { useState } from 'react';
import type { LedgerEntry } from '../../http/schemas/billing.ts';
import { useLanguage } from '../i18n.ts';
import { yuan } from '../money.ts';
import { LEDGER_ACCOUNTS, type LedgerAccount, ledgerQuery } from '../queries.ts';
import { Moment } from './age.tsx';
import { Paged } from './paged.tsx';

function What({ entry: { kind, against, at, by, reference, reason, reversedBy } }: { entry: LedgerEntry }) {
  const { t } = useLanguage();
  // A bill has two lines: what it charges, and what the county pays of it.
  const shown = kind === 'bill' && against === 'subsidy_due' ? 'subsidy' : kind;
  return (
    <>
      {t(`ledger.kinds.${shown}`)} <span className="code">{reference}</span>
      {reversedBy !== null && <span className="quiet"> {t('ledger.reversed')}</span>}
      {reason !== null && <div className="words">{reason}</div>}
      <div className="quiet">
        <Moment time={at} /> {by}
      </div>
    </>
  );
}

function LedgerTable({ entries }: { entries: LedgerEntry[] }) {
  const { t } = useLanguage();
  const columns: TableColumnsType<LedgerEntry> = [
    { title: t('ledger.what'), key: 'what', render: (_, entry) => <What entry={entry} /> },
    {
      title: t('ledger.amount'),
      key: 'amount',
      align: 'right',
      className: 'nowrap',
      render: (_, { amountFen }) => (amountFen > 0 ? `+${yuan(amountFen)}` : yuan(amountFen)),
    },
    {
      title: t('ledger.after'),
      key: 'after',
      align: 'right',
      className: 'nowrap',
      render: (_, { balanceFen }) => yuan(balanceFen),
    },
  ];
  return (
    <Table<LedgerEntry>
      size="small"
      rowKey="id"
      aria-label={t('ledger.title')}
      columns={columns}
      dataSource={entries}
      pagination={false}
    />
  );
}

export function LedgerCard({ householdId }: { householdId: string }) {
  const { t } = useLanguage();
  const [account, setAccount] = useState<LedgerAccount>('heating');
  const options = LEDGER_ACCOUNTS.map((value) => ({ value, label: t(`ledger.accounts.${value}`) }));
  return (
    <Card size="small" title={<h2>{t('ledger.title')}</h2>}>
      <Segmented
        className="before"
        aria-label={t('ledger.account')}
        options={options}
        value={account}
        onChange={setAccount}
      />
      <Paged query={useInfiniteQuery(ledgerQuery(householdId, account))} empty={t('ledger.none')}>
        {(entries) => <LedgerTable entries={entries} />}
      </Paged>
    </Card>
  );
}
