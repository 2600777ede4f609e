import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Select, Table, type TableColumnsType } from 'antd';
import type { Notice, Owing } from '../../http/schemas/bills.ts';
import { post } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { yuan } from '../money.ts';
import { mayBill, useUser } from '../user.ts';
import { Moment } from './age.tsx';
import { Failure } from './failure.tsx';

/** What a person tells; a low balance the gateway notes itself. */
const STEPS = ['reminder', 'second_reminder', 'final_notice'] as const;

function Give({ householdId }: { householdId: string }) {
  const { t } = useLanguage();
  const client = useQueryClient();
  const give = useMutation({
    mutationFn: (step: Notice['step']) => post(`/households/${encodeURIComponent(householdId)}/notices`, { step }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['arrears'] }),
  });
  return (
    <>
      <Select<Notice['step']>
        size="small"
        aria-label={t('arrears.give')}
        placeholder={t('arrears.give')}
        value={null}
        loading={give.isPending}
        disabled={give.isPending}
        popupMatchSelectWidth={false}
        options={STEPS.map((step) => ({ value: step, label: t(`arrears.steps.${step}`) }))}
        onChange={(step) => give.mutate(step)}
      />
      {give.error && <Failure error={give.error} />}
    </>
  );
}

function Told({ notices }: { notices: Notice[] }) {
  const { t } = useLanguage();
  if (notices.length === 0) return <div className="quiet">{t('arrears.nothingTold')}</div>;
  return notices.map(({ id, step, at }) => (
    <div key={id}>
      {t(`arrears.steps.${step}`)}{' '}
      <span className="quiet">
        <Moment time={at} />
      </span>
    </div>
  ));
}

export function OwingTable({ owing }: { owing: Owing[] }) {
  const { t } = useLanguage();
  const user = useUser();
  const columns: TableColumnsType<Owing> = [
    {
      title: t('arrears.household'),
      key: 'household',
      render: (_, { householdId, householdName, accountNo }) => (
        <>
          <Link to="/households/$id" params={{ id: householdId }} className="words">
            {householdName}
          </Link>
          <div className="quiet">{accountNo}</div>
        </>
      ),
    },
    {
      title: t('arrears.owed'),
      key: 'owed',
      align: 'right',
      className: 'nowrap',
      render: (_, { owedFen }) => yuan(owedFen),
    },
    {
      title: t('arrears.told'),
      key: 'told',
      render: (_, { householdId, notices }) => (
        <>
          <Told notices={notices} />
          {mayBill(user) && <Give householdId={householdId} />}
        </>
      ),
    },
  ];
  return (
    <Table<Owing>
      size="small"
      rowKey="householdId"
      aria-label={t('arrears.list')}
      columns={columns}
      dataSource={owing}
      pagination={false}
    />
  );
}
