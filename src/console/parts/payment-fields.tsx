import { Form, Input, Radio } from 'antd';
import { useLanguage } from '../i18n.ts';
import { fenOf } from '../money.ts';

/** The fields of money at the counter. */

/** `empty` says what it means to leave the amount out; without it there must be one. */
export function AmountField({ empty }: { empty?: string }) {
  const { t } = useLanguage();
  const check = (_: unknown, text: string | undefined) =>
    (empty !== undefined && (text ?? '').trim() === '') || fenOf(text ?? '') !== undefined
      ? Promise.resolve()
      : Promise.reject(new Error(t('payment.amountWrong')));
  return (
    <Form.Item
      name="amount"
      label={t('payment.amount')}
      validateTrigger="onBlur"
      rules={[{ required: empty === undefined, validator: check }]}
    >
      <Input inputMode="decimal" autoComplete="off" prefix="¥" maxLength={12} {...(empty && { placeholder: empty })} />
    </Form.Item>
  );
}

export function MethodField() {
  const { t } = useLanguage();
  return (
    <Form.Item name="method" label={t('payment.method')} initialValue="cash">
      <Radio.Group
        options={[
          { value: 'cash', label: t('payment.methods.cash') },
          { value: 'transfer', label: t('payment.methods.transfer') },
        ]}
      />
    </Form.Item>
  );
}

export function ReferenceField() {
  const { t } = useLanguage();
  return (
    <Form.Item
      name="reference"
      label={t('payment.reference')}
      rules={[{ required: true, whitespace: true, message: t('payment.referenceMissing') }]}
    >
      <Input autoComplete="off" maxLength={100} placeholder={t('payment.referenceHint')} />
    </Form.Item>
  );
}

export function ReasonField() {
  const { t } = useLanguage();
  return (
    <Form.Item
      name="reason"
      label={t('payment.reason')}
      rules={[{ required: true, whitespace: true, message: t('payment.reasonMissing') }]}
    >
      <Input autoComplete="off" maxLength={200} />
    </Form.Item>
  );
}
