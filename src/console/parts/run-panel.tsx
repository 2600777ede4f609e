import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Alert, Button, Card, Progress, Table, type TableColumnsType, Tag } from 'antd';
import { useEffect } from 'react';
import type { BillingRun, BillingTrouble } from '../../http/schemas/bills.ts';
import { post } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { yuan } from '../money.ts';
import { heldBillsQuery, runQuery, runTroublesQuery } from '../queries.ts';
import { BillTable } from './bill-table.tsx';
import { Failure } from './failure.tsx';
import { Loaded } from './loaded.tsx';
import { Paged } from './paged.tsx';

const COLOURS: Record<BillingRun['state'], string> = {
  running: 'blue',
  done: 'green',
  cancelled: 'default',
  failed: 'red',
};

export function RunState({ of: { state, dryRun } }: { of: BillingRun }) {
  const { t } = useLanguage();
  return (
    <>
      <Tag color={COLOURS[state]}>{t(`billingRun.states.${state}`)}</Tag>
      {dryRun && <Tag>{t('billingRun.dry')}</Tag>}
    </>
  );
}

function Figures({ of: run }: { of: BillingRun }) {
  const { t, language } = useLanguage();
  const count = (n: number) => n.toLocaleString(language);
  const figures = [
    [t('billingRun.households'), count(run.households)],
    [t(run.dryRun ? 'billingRun.wouldMake' : 'billingRun.made'), count(run.made)],
    [t('billingRun.held'), count(run.held)],
    [t('billingRun.unchanged'), count(run.unchanged)],
    [t('billingRun.failed'), count(run.failed)],
    [t('billingRun.amount'), yuan(run.amountFen)],
  ] as const;
  return (
    <dl className="figures import-figures">
      {figures.map(([label, figure]) => (
        <div key={label} className="figure">
          <dt>{label}</dt>
          <dd>{figure}</dd>
        </div>
      ))}
    </dl>
  );
}

function Running({ of: { id, progress } }: { of: BillingRun }) {
  const { t } = useLanguage();
  const cancel = useMutation({ mutationFn: () => post(`/billing-runs/${encodeURIComponent(id)}/cancel`, {}) });
  return (
    <>
      <Progress percent={Math.floor(progress * 100)} status="active" aria-label={t('billingRun.progress')} />
      <div className="between">
        <p className="quiet">{t('billingRun.goesOn')}</p>
        <Button loading={cancel.isPending} disabled={cancel.isSuccess} onClick={() => cancel.mutate()}>
          {t('billingRun.cancel')}
        </Button>
      </div>
      {cancel.error && <Failure error={cancel.error} />}
    </>
  );
}

function Troubles({ runId }: { runId: string }) {
  const { t } = useLanguage();
  const columns: TableColumnsType<BillingTrouble> = [
    {
      title: t('billingRun.household'),
      key: 'household',
      render: (_, { householdId, householdName, accountNo }) => (
        <>
          <Link to="/households/$id" params={{ id: householdId }} className="words">
            {householdName}
          </Link>{' '}
          <span className="quiet">{accountNo}</span>
        </>
      ),
    },
    {
      title: t('billingRun.trouble'),
      key: 'trouble',
      render: (_, { code, detail }) => (
        <>
          {t(`billingRun.codes.${code}`)}
          {detail !== null && (
            <div className="quiet words" lang="en">
              {detail}
            </div>
          )}
        </>
      ),
    },
  ];
  return (
    <Card size="small" title={<h2>{t('billingRun.troubles')}</h2>}>
      <Paged query={useInfiniteQuery(runTroublesQuery(runId))} empty={t('list.empty')}>
        {(troubles) => (
          <Table<BillingTrouble>
            size="small"
            rowKey="id"
            aria-label={t('billingRun.troubles')}
            columns={columns}
            dataSource={troubles}
            pagination={false}
          />
        )}
      </Paged>
    </Card>
  );
}

function Held({ runId }: { runId: string }) {
  const { t } = useLanguage();
  return (
    <Card size="small" title={<h2>{t('billingRun.heldBills')}</h2>}>
      <Paged query={useInfiniteQuery(heldBillsQuery(runId))} empty={t('list.empty')}>
        {(bills) => <BillTable bills={bills} showHousehold />}
      </Paged>
    </Card>
  );
}

function Panel({ of: run }: { of: BillingRun }) {
  const { t } = useLanguage();
  const client = useQueryClient();
  const ended = run.finishedAt !== null;
  useEffect(() => {
    if (ended) void client.invalidateQueries({ queryKey: ['billing-runs'] });
  }, [client, ended]);
  const title = (
    <h2>
      {run.period} · {t(`billingRun.kinds.${run.kind}`)} <RunState of={run} />
    </h2>
  );
  return (
    <>
      <Card size="small" title={title}>
        <div className="stack" role="status">
          <Figures of={run} />
          {run.state === 'running' && <Running of={run} />}
          {run.detail !== null && <Alert type="error" showIcon title={<span lang="en">{run.detail}</span>} />}
        </div>
      </Card>
      {ended && run.held > 0 && !run.dryRun && <Held runId={run.id} />}
      {ended && run.failed > 0 && <Troubles runId={run.id} />}
    </>
  );
}

/** How far a run is, and what came of it. */
export function RunPanel({ id }: { id: string }) {
  return <Loaded query={useQuery(runQuery(id))}>{(run) => <Panel of={run} />}</Loaded>;
}
