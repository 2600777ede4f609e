import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Input, Modal } from 'antd';
import { useId, useState } from 'react';
import type { Command } from '../../http/schemas/commands.ts';
import { post } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { applyCommand } from '../live-cache.ts';
import { CACHE } from '../queries.ts';
import { Failure } from './failure.tsx';

export type Decision = { command: Command; kind: 'approve' | 'refuse' };

/** A second person decides over what is shown here, and over nothing else: the gateway is told what that was. */
export function DecideCommand({ decision, what, onClose }: { decision: Decision; what: string; onClose: () => void }) {
  const { t, titleOf } = useLanguage();
  const client = useQueryClient();
  const field = useId();
  const [comment, setComment] = useState('');
  const { command, kind } = decision;
  const decide = useMutation({
    mutationFn: () => {
      const { policyVersion, sequence } = command;
      const reason = comment.trim() === '' ? undefined : comment.trim();
      return post<Command>(`/commands/${encodeURIComponent(command.id)}/${kind}`, { policyVersion, sequence, reason });
    },
    onSuccess: (decided) => {
      applyCommand(client, decided);
      onClose();
    },
    onSettled: () => client.invalidateQueries({ queryKey: [CACHE.held] }),
  });
  return (
    <Modal
      open
      title={t(`held.${kind}Title`)}
      okText={t(`held.${kind}`)}
      okButtonProps={{ danger: kind === 'approve', autoFocus: false }}
      cancelText={t('action.cancel')}
      confirmLoading={decide.isPending}
      onOk={() => decide.mutate()}
      onCancel={onClose}
    >
      <div className="confirm">
        <p>
          <span className="code">{command.terminalId}</span> <strong>{what}</strong>
        </p>
        {command.rules.map((each) => (
          <p key={each.rule}>{titleOf(each)}</p>
        ))}
        <p className="quiet">{t(`held.${kind}Note`)}</p>
        <label htmlFor={field}>{t('held.comment')}</label>
        <Input.TextArea
          id={field}
          rows={2}
          maxLength={200}
          value={comment}
          onChange={(event) => setComment(event.target.value)}
        />
        {decide.error && <Failure error={decide.error} />}
      </div>
    </Modal>
  );
}
