import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Card, Form, Input, Select, Table, type TableColumnsType, Tag } from 'antd';
import type { Reconciliation } from '../../http/schemas/payment-orders.ts';
import { post } from '../api.ts';
import { now } from '../clock.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { yuan } from '../money.ts';
import { CACHE, providersQuery, reconciliationsQuery } from '../queries.ts';
import { dayOf } from '../time.ts';
import { useNarrow } from '../use-media.ts';
import { Failure } from './failure.tsx';
import { FileButtons } from './file-buttons.tsx';
import { Paged } from './paged.tsx';

const DAY_MS = 86_400_000;

type Fields = { provider: string; date: string };

function CompareForm() {
  const { t } = useLanguage();
  const client = useQueryClient();
  const providers = useQuery(providersQuery()).data?.items ?? [];
  const words = t('order.providers', { returnObjects: true });
  const compare = useMutation({
    mutationFn: (day: Fields) => post<Reconciliation>('/reconciliations', day),
    onSuccess: () => {
      for (const key of [CACHE.reconciliations, CACHE.differences]) void client.invalidateQueries({ queryKey: [key] });
    },
  });
  const [first] = providers;
  if (!first) return null;
  return (
    <>
      <Form<Fields>
        name="compare"
        layout="inline"
        className="compare"
        requiredMark={false}
        aria-label={t('reconciliation.compareForm')}
        initialValues={{ provider: first.name, date: dayOf(now() - DAY_MS) }}
        onFinish={(day) => compare.mutate(day)}
      >
        <Form.Item name="provider" label={t('order.provider')}>
          <Select
            popupMatchSelectWidth={false}
            options={providers.map(({ name }) => ({ value: name, label: words[name] }))}
          />
        </Form.Item>
        <Form.Item name="date" label={t('reconciliation.day')} rules={[{ required: true }]}>
          <Input type="date" />
        </Form.Item>
        <Button type="primary" htmlType="submit" loading={compare.isPending}>
          {t('reconciliation.compare')}
        </Button>
      </Form>
      {compare.error && (
        <div className="after">
          <Failure error={compare.error} />
        </div>
      )}
    </>
  );
}

function DayTable({ days }: { days: Reconciliation[] }) {
  const { t } = useLanguage();
  const narrow = useNarrow();
  const states = t('reconciliation.dayStates', { returnObjects: true });
  const words: Record<string, string> = t('order.providers', { returnObjects: true });
  const sums: TableColumnsType<Reconciliation> = [
    {
      title: t('reconciliation.refunded'),
      key: 'back',
      align: 'right',
      render: (_, { refundedFen }) => yuan(refundedFen),
    },
    { title: t('reconciliation.fee'), key: 'fee', align: 'right', render: (_, { feeFen }) => yuan(feeFen) },
  ];
  const columns: TableColumnsType<Reconciliation> = [
    {
      title: t('reconciliation.day'),
      key: 'day',
      render: (_, { date, provider, lineCount }) => (
        <>
          {date}
          <div className="quiet">
            {wordFor(words, provider)} · {t('reconciliation.lines', { n: lineCount })}
          </div>
        </>
      ),
    },
    { title: t('reconciliation.paid'), key: 'paid', align: 'right', render: (_, { paidFen }) => yuan(paidFen) },
    ...(narrow ? [] : sums),
    {
      title: t('reconciliation.dayState'),
      key: 'state',
      render: (_, { state, detail }) => (
        <>
          <Tag color={state === 'failed' ? 'red' : state === 'done' ? 'green' : 'blue'}>{states[state]}</Tag>
          {detail !== null && (
            <div className="words quiet" lang="en">
              {detail}
            </div>
          )}
        </>
      ),
    },
  ];
  return (
    <Table<Reconciliation>
      size="small"
      rowKey="id"
      aria-label={t('reconciliation.days')}
      columns={columns}
      dataSource={days}
      pagination={false}
    />
  );
}

/** For an admin: a provider's account may hold the money of several companies. */
export function ComparedDays() {
  const { t } = useLanguage();
  return (
    <Card size="small" title={<h2>{t('reconciliation.days')}</h2>}>
      <CompareForm />
      <div className="filters">
        <FileButtons path="/reports/reconciliations" query={{}} name="reconciliations" />
      </div>
      <Paged query={useInfiniteQuery(reconciliationsQuery())} empty={t('reconciliation.noDays')}>
        {(days) => <DayTable days={days} />}
      </Paged>
    </Card>
  );
}
