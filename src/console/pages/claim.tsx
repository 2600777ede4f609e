import { useMutation } from '@tanstack/react-query';
import { Alert, Button, Card, Checkbox, Form, Input } from 'antd';
import { useState } from 'react';
import type { Claimed } from '../../http/schemas/provisioning.ts';
import { post } from '../api.ts';
import { claimOf } from '../claim-text.ts';
import { now } from '../clock.ts';
import { useLanguage } from '../i18n.ts';
import { Failure } from '../parts/failure.tsx';
import { HouseholdOfAccount } from '../parts/household-of-account.tsx';
import { Once } from '../parts/once.tsx';
import { TerminalLink } from '../parts/terminal-link.tsx';

/** For an engineer who stands before the terminal with a phone. */

type Fields = { text?: string; id: string; code: string; accountNo: string; now?: boolean };

function Done({ claimed, onAnother }: { claimed: Claimed; onAnother: () => void }) {
  const { t } = useLanguage();
  const { id, householdName, credentials } = claimed;
  return (
    <div className="stack">
      <div role="status">
        <Alert
          type="success"
          showIcon
          title={t('claim.done', { id, household: householdName ?? '' })}
          description={<TerminalLink id={id} />}
        />
      </div>
      {credentials && (
        <Once
          items={[
            { label: t('credentials.username'), secret: credentials.username },
            { label: t('credentials.password'), secret: credentials.password },
          ]}
        />
      )}
      <Button type="primary" size="large" block onClick={onAnother}>
        {t('claim.another')}
      </Button>
    </div>
  );
}

function ClaimForm({ onDone }: { onDone: (claimed: Claimed) => void }) {
  const { t } = useLanguage();
  const [form] = Form.useForm<Fields>();
  const [accountNo, setAccountNo] = useState('');
  const claim = useMutation({
    mutationFn: ({ id, code, accountNo: account, now: isNew }: Fields) =>
      post<Claimed>('/claims', {
        id: id.trim(),
        code: code.trim(),
        accountNo: account.trim(),
        ...(isNew && { installedAt: new Date(now()).toISOString() }),
      }),
    onSuccess: onDone,
  });
  const take = (text: string) => {
    const found = claimOf(text);
    if (found) form.setFieldsValue(found);
  };
  const required = (message: string) => [{ required: true, whitespace: true, message }];
  const plain = { size: 'large', autoComplete: 'off', autoCapitalize: 'none', spellCheck: false } as const;
  return (
    <Form<Fields>
      form={form}
      layout="vertical"
      requiredMark={false}
      aria-label={t('claim.title')}
      initialValues={{ now: true }}
      onFinish={(fields) => claim.mutate(fields)}
    >
      <Form.Item name="text" label={t('claim.text')}>
        <Input.TextArea
          autoSize={{ minRows: 2, maxRows: 4 }}
          maxLength={300}
          autoFocus
          spellCheck={false}
          placeholder="hearthgate:claim?id=…&code=…"
          onChange={(event) => take(event.target.value)}
        />
      </Form.Item>
      <Form.Item name="id" label={t('claim.id')} rules={required(t('claim.needId'))}>
        <Input {...plain} maxLength={64} />
      </Form.Item>
      <Form.Item name="code" label={t('claim.code')} rules={required(t('claim.needCode'))}>
        <Input {...plain} maxLength={60} />
      </Form.Item>
      <Form.Item
        name="accountNo"
        label={t('claim.accountNo')}
        rules={required(t('claim.needAccount'))}
        extra={<HouseholdOfAccount accountNo={accountNo} />}
      >
        <Input {...plain} maxLength={40} onBlur={(event) => setAccountNo(event.target.value.trim())} />
      </Form.Item>
      <Form.Item name="now" valuePropName="checked">
        <Checkbox>{t('claim.now')}</Checkbox>
      </Form.Item>
      {claim.error && (
        <div className="before">
          <Failure error={claim.error} />
        </div>
      )}
      <Button type="primary" htmlType="submit" size="large" block loading={claim.isPending}>
        {t('claim.submit')}
      </Button>
    </Form>
  );
}

export function ClaimPage() {
  const { t } = useLanguage();
  const [claimed, setClaimed] = useState<Claimed>();
  return (
    <div className="claim">
      <h1 className="title">{t('claim.title')}</h1>
      <p className="quiet before">{t('claim.hint')}</p>
      <Card size="small">
        {claimed ? (
          <Done claimed={claimed} onAnother={() => setClaimed(undefined)} />
        ) : (
          <ClaimForm onDone={setClaimed} />
        )}
      </Card>
    </div>
  );
}
