import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Input, Modal } from 'antd';
import { useId, useState } from 'react';
import type { Batch, BatchState } from '../../http/schemas/batches.ts';
import { post } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { applyBatch } from '../live-cache.ts';
import { CACHE } from '../queries.ts';
import { maySwitch, useUser } from '../user.ts';
import { Failure } from './failure.tsx';

type Act = 'approve' | 'refuse' | 'pause' | 'resume' | 'cancel';
const ACTS: Record<BatchState, readonly Act[]> = {
  held: ['approve', 'refuse', 'cancel'],
  running: ['pause', 'cancel'],
  paused: ['resume', 'cancel'],
  stopped: ['resume', 'cancel'],
  done: [],
  refused: [],
  cancelled: [],
};
const isDecision = (act: Act) => act === 'approve' || act === 'refuse';
/** These are asked about first. */
const ASKED = ['approve', 'refuse', 'cancel'] as const;
type Asked = (typeof ASKED)[number];
const isAsked = (act: Act): act is Asked => ASKED.some((one) => one === act);

function Question({
  act,
  batch,
  busy,
  onOk,
  onClose,
}: {
  act: Asked;
  batch: Batch;
  busy: boolean;
  onOk: (comment: string) => void;
  onClose: () => void;
}) {
  const { t } = useLanguage();
  const field = useId();
  const [comment, setComment] = useState('');
  return (
    <Modal
      open
      title={t(`batch.${act}Title`)}
      okText={act === 'cancel' ? t('batch.cancelOk') : t(`batch.${act}`)}
      okButtonProps={{ danger: act !== 'refuse', autoFocus: false }}
      cancelText={t('action.back')}
      confirmLoading={busy}
      onOk={() => onOk(comment.trim())}
      onCancel={onClose}
    >
      <div className="confirm">
        {act === 'approve' && batch.homes > 0 && <p>{t('batch.confirmHomes', { n: batch.homes })}</p>}
        <p className="quiet">{t(`batch.${act}Note`)}</p>
        {act !== 'cancel' && (
          <>
            <label htmlFor={field}>{t('held.comment')}</label>
            <Input.TextArea
              id={field}
              rows={2}
              maxLength={200}
              value={comment}
              onChange={(event) => setComment(event.target.value)}
            />
          </>
        )}
      </div>
    </Modal>
  );
}

/** What may be done with a batch now. Who approves says of which list. */
export function BatchActions({ batch }: { batch: Batch }) {
  const { t } = useLanguage();
  const client = useQueryClient();
  const user = useUser();
  const [asking, setAsking] = useState<Asked>();
  const act = useMutation({
    mutationFn: ({ what, comment }: { what: Act; comment: string }) => {
      const body = isDecision(what) ? { listHash: batch.listHash, ...(comment !== '' && { reason: comment }) } : {};
      return post<Batch>(`/command-batches/${encodeURIComponent(batch.id)}/${what}`, body);
    },
    onSuccess: (next) => applyBatch(client, next),
    onSettled: () => {
      setAsking(undefined);
      for (const name of [CACHE.batch, CACHE.batches, CACHE.batchItems]) {
        void client.invalidateQueries({ queryKey: [name] });
      }
    },
  });
  if (!maySwitch(user)) return null;
  // The gateway knows it too of who asked with an API key.
  const isOwn = batch.requestedBy === user.username;
  const acts = ACTS[batch.state].filter((one) => !isOwn || !isDecision(one));
  return (
    <>
      {isOwn && batch.state === 'held' && <p className="quiet">{t('batch.own')}</p>}
      <div className="buttons">
        {acts.map((one) => (
          <Button
            key={one}
            type={one === 'approve' || one === 'resume' ? 'primary' : 'default'}
            loading={act.isPending && act.variables.what === one}
            onClick={() => (isAsked(one) ? setAsking(one) : act.mutate({ what: one, comment: '' }))}
          >
            {t(`batch.${one}`)}
          </Button>
        ))}
      </div>
      {act.error && <Failure error={act.error} />}
      {asking && (
        <Question
          act={asking}
          batch={batch}
          busy={act.isPending}
          onOk={(comment) => act.mutate({ what: asking, comment })}
          onClose={() => setAsking(undefined)}
        />
      )}
    </>
  );
}
