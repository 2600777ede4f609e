import { useQuery } from '@tanstack/react-query';
import { Alert, Input, Modal } from 'antd';
import { useId, useState } from 'react';
import type { Judgement } from '../../http/schemas/commands.ts';
import type { Terminal } from '../../http/schemas/terminals.ts';
import { useLanguage } from '../i18n.ts';
import { judgementQuery } from '../queries.ts';
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

/** A missing reason can be given here; what else refuses it cannot be mended. */
export const needsReason = (judgement: Judgement | undefined): boolean =>
  judgement?.rules.some(({ rule }) => rule === 'reason_required') ?? false;
export const isRefused = (judgement: Judgement | undefined): boolean =>
  judgement?.decision === 'refused' && !needsReason(judgement);

/** What the policy makes of it, before anybody asks. */
export function Verdict({ judgement }: { judgement: Judgement }) {
  const { t, titleOf } = useLanguage();
  const refused = isRefused(judgement);
  const rules = judgement.rules.filter(({ rule }) => rule !== 'reason_required');
  if (rules.length === 0) return null;
  return (
    <Alert
      type={refused ? 'error' : 'warning'}
      showIcon
      title={t(refused ? 'command.notAllowed' : 'command.willBeHeld')}
      description={rules.map((each) => <div key={each.rule}>{titleOf(each)}</div>)}
    />
  );
}

export function ConfirmCommand({ grave, terminal, sending, error, onSend, onClose }: Props) {
  const { t } = useLanguage();
  const [reason, setReason] = useState('');
  const field = useId();
  const household = terminal.householdName ?? t('command.thisHousehold');
  const given = reason.trim();
  const { data: judgement } = useQuery(judgementQuery(terminal.id, grave.command, grave.value));
  const reasonMissing = needsReason(judgement) && given === '';
  return (
    <Modal
      open
      title={t(`command.confirmTitle.${grave.value}`)}
      okText={t(`command.confirmOk.${grave.value}`)}
      okButtonProps={{ danger: true, autoFocus: false, disabled: reasonMissing || isRefused(judgement) }}
      cancelText={t('action.cancel')}
      confirmLoading={sending}
      onOk={() => onSend(given === '' ? grave : { ...grave, reason: given })}
      onCancel={onClose}
    >
      <div className="confirm">
        <p>{t(`command.confirmText.${grave.value}`, { household, id: terminal.id })}</p>
        <p className="quiet">{t('command.confirmNote')}</p>
        {judgement && <Verdict judgement={judgement} />}
        <label htmlFor={field}>{t(needsReason(judgement) ? 'command.reasonNeeded' : 'command.reasonOptional')}</label>
        <Input.TextArea
          id={field}
          rows={2}
          maxLength={200}
          value={reason}
          required={needsReason(judgement)}
          onChange={(event) => setReason(event.target.value)}
        />
        {error && <Failure error={error} />}
      </div>
    </Modal>
  );
}
