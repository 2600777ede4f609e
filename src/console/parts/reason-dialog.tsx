import { useMutation } from '@tanstack/react-query';
import { Button, Form, Input, Modal } from 'antd';
import type { ReactNode } from 'react';
import { useLanguage } from '../i18n.ts';
import { Failure } from './failure.tsx';

type Props = {
  /** Begins the ids of its fields. */
  name: string;
  title: string;
  submit: string;
  maxLength: number;
  send: (reason: string) => Promise<unknown>;
  onDone: () => void;
};

function ReasonForm({ name, title, submit, maxLength, send, onDone }: Props) {
  const { t } = useLanguage();
  const saving = useMutation({ mutationFn: send, onSuccess: onDone });
  return (
    <Form<{ reason: string }>
      name={name}
      layout="vertical"
      requiredMark={false}
      aria-label={title}
      onFinish={({ reason }) => saving.mutate(reason.trim())}
    >
      <Form.Item
        name="reason"
        label={t('reconciliation.explainReason')}
        rules={[{ required: true, whitespace: true, message: t('order.reasonMissing') }]}
      >
        <Input.TextArea maxLength={maxLength} rows={3} />
      </Form.Item>
      {saving.error && (
        <div className="before">
          <Failure error={saving.error} />
        </div>
      )}
      <Button type="primary" htmlType="submit" loading={saving.isPending}>
        {submit}
      </Button>
    </Form>
  );
}

/** Whoever ends what waits for people says why; `children` is what it is about. */
export function ReasonDialog({ children, onClose, ...form }: Props & { children?: ReactNode; onClose: () => void }) {
  return (
    <Modal open title={form.title} footer={null} onCancel={onClose}>
      {children}
      <ReasonForm {...form} />
    </Modal>
  );
}
