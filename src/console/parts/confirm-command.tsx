import { Input, Modal } from 'antd';
import { useId, useState } from 'react';
import type { Terminal } from '../../http/schemas/terminals.ts';
import { useLanguage } from '../i18n.ts';
import type { NewCommand } from '../use-send-command.ts';
import { Failure } from './failure.tsx';

/** What can leave a family in the cold: never sent by one click. */
const GRAVE = ['off', 'close'] as const;
export type Grave = { command: string; value: (typeof GRAVE)[number] };

export const isGrave = (value: unknown): value is Grave['value'] => GRAVE.some((each) => each === value);

export const graveOf = ({ command, value }: NewCommand): Grave | undefined =>
  isGrave(value) ? { command, value } : undefined;

type Props = {
  grave: Grave;
  terminal: Terminal;
  sending: boolean;
  error: Error | null;
  onSend: (wanted: NewCommand) => void;
  onClose: () => void;
};

export function ConfirmCommand({ grave, terminal, sending, error, onSend, onClose }: Props) {
  const { t } = useLanguage();
  const [reason, setReason] = useState('');
  const field = useId();
  const household = terminal.householdName ?? t('command.thisHousehold');
  const given = reason.trim();
  return (
    <Modal
      open
      title={t(`command.confirmTitle.${grave.value}`)}
      okText={t(`command.confirmOk.${grave.value}`)}
      okButtonProps={{ danger: true, autoFocus: false }}
      cancelText={t('action.cancel')}
      confirmLoading={sending}
      onOk={() => onSend(given === '' ? grave : { ...grave, reason: given })}
      onCancel={onClose}
    >
      <div className="confirm">
        <p>{t(`command.confirmText.${grave.value}`, { household, id: terminal.id })}</p>
        <p className="quiet">{t('command.confirmNote')}</p>
        <label htmlFor={field}>{t('command.reasonOptional')}</label>
        <Input.TextArea
          id={field}
          rows={2}
          maxLength={200}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
        {error && <Failure error={error} />}
      </div>
    </Modal>
  );
}
