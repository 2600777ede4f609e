import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Card, Checkbox, Form, Input, Select } from 'antd';
import type { BillingRun } from '../../http/schemas/bills.ts';
import { post } from '../api.ts';
import { now } from '../clock.ts';
import { useLanguage } from '../i18n.ts';
import { useIntent } from '../intent.ts';
import { companiesQuery } from '../queries.ts';
import { monthBefore } from '../time.ts';
import { useUser } from '../user.ts';
import { Failure } from './failure.tsx';

type Fields = { companyId?: string; period: string; kind: BillingRun['kind']; dryRun: boolean };

const KINDS = ['monthly', 'rebill', 'daily'] as const;

/** An admin says for which company; a company bills its own. */
function CompanyItem() {
  const { t } = useLanguage();
  const companies = useQuery(companiesQuery());
  return (
    <Form.Item
      name="companyId"
      label={t('billingRun.company')}
      rules={[{ required: true, message: t('billingRun.companyMissing') }]}
    >
      <Select
        loading={companies.isPending}
        options={companies.data?.items.map(({ id, name }) => ({ value: id, label: name })) ?? []}
      />
    </Form.Item>
  );
}

export function RunForm({ onBegun }: { onBegun: (run: BillingRun) => void }) {
  const { t } = useLanguage();
  const { role } = useUser();
  const client = useQueryClient();
  const intent = useIntent();
  const begin = useMutation({
    mutationFn: (fields: Fields) => post<BillingRun>('/billing-runs', fields, intent.keyFor(fields)),
    onSuccess: (run) => {
      intent.done();
      void client.invalidateQueries({ queryKey: ['billing-runs'] });
      onBegun(run);
    },
    onError: intent.failed,
  });
  const initial = { period: monthBefore(now()), kind: 'monthly' as const, dryRun: true };
  return (
    <Card size="small">
      <Form<Fields>
        layout="vertical"
        requiredMark={false}
        aria-label={t('billingRun.title')}
        initialValues={initial}
        onFinish={(fields) => begin.mutate(fields)}
      >
        {role === 'admin' && <CompanyItem />}
        <Form.Item
          name="period"
          label={t('billingRun.period')}
          rules={[{ required: true, pattern: /^\d{4}-\d{2}$/, message: t('billingRun.periodMissing') }]}
        >
          <Input type="month" />
        </Form.Item>
        <Form.Item name="kind" label={t('billingRun.kind')}>
          <Select options={KINDS.map((kind) => ({ value: kind, label: t(`billingRun.kinds.${kind}`) }))} />
        </Form.Item>
        <Form.Item name="dryRun" valuePropName="checked">
          <Checkbox>{t('billingRun.dryRun')}</Checkbox>
        </Form.Item>
        {begin.error && (
          <div className="before">
            <Failure error={begin.error} />
          </div>
        )}
        <Button type="primary" htmlType="submit" loading={begin.isPending}>
          {t('billingRun.submit')}
        </Button>
      </Form>
    </Card>
  );
}
