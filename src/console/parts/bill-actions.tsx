import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Button, Card, Form, Input } from 'antd';
import type { Bill, FullBill } from '../../http/schemas/bills.ts';
import { post } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { useIntent } from '../intent.ts';
import { Failure } from './failure.tsx';

type Asked = { action: 'release' | 'rebill'; reason: string };

/** A bill that waits is issued, and any that holds can be made anew; both with a reason. */
export function BillActions({ bill }: { bill: FullBill }) {
  const { t } = useLanguage();
  const client = useQueryClient();
  const navigate = useNavigate();
  const intent = useIntent();
  const [form] = Form.useForm<{ reason: string }>();
  const act = useMutation({
    mutationFn: ({ action, reason }: Asked) =>
      post<Bill>(`/bills/${encodeURIComponent(bill.id)}/${action}`, { reason }, intent.keyFor({ action, reason })),
    onSuccess: (made) => {
      intent.done();
      form.resetFields();
      for (const key of ['bill', 'bills', 'account']) void client.invalidateQueries({ queryKey: [key] });
      void navigate({ to: '/bills/$id', params: { id: made.id } });
    },
    onError: intent.failed,
  });
  const ask = async (action: Asked['action']) => {
    const { reason } = await form.validateFields();
    act.mutate({ action, reason: reason.trim() });
  };
  if (bill.state === 'replaced') return null;
  return (
    <Card size="small">
      <Form form={form} layout="vertical" requiredMark={false}>
        <Form.Item
          name="reason"
          label={t('bill.reason')}
          rules={[{ required: true, whitespace: true, message: t('bill.reasonMissing') }]}
        >
          <Input maxLength={500} autoComplete="off" />
        </Form.Item>
        {act.error && (
          <div className="before">
            <Failure error={act.error} />
          </div>
        )}
        <div className="filters">
          {bill.state === 'held' && (
            <Button type="primary" loading={act.isPending} onClick={() => void ask('release').catch(() => undefined)}>
              {t('bill.release')}
            </Button>
          )}
          <Button loading={act.isPending} onClick={() => void ask('rebill').catch(() => undefined)}>
            {t('bill.rebill')}
          </Button>
        </div>
      </Form>
    </Card>
  );
}
