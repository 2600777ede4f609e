import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Modal } from 'antd';
import { useState } from 'react';
import type { Requeued } from '../../http/schemas/readings.ts';
import { post } from '../api.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { CACHE, type QuarantineFilter } from '../queries.ts';
import { Failure } from './failure.tsx';

/** Asks before it begins, since it may take a while and changes what bills are made of. */
export function Requeue({ filter }: { filter: QuarantineFilter }) {
  const { t } = useLanguage();
  const [asking, setAsking] = useState(false);
  const client = useQueryClient();
  const requeue = useMutation({
    mutationFn: () => post<Requeued>('/quarantine/requeue', filter),
    onSuccess: () => {
      setAsking(false);
      void client.invalidateQueries({ queryKey: [CACHE.quarantine] });
    },
  });
  const reasons = t('quarantine.reasons', { returnObjects: true });
  const ask = () => {
    requeue.reset();
    setAsking(true);
  };
  return (
    <>
      <Button className="requeue" onClick={ask}>
        {t('quarantine.requeue')}
      </Button>
      {requeue.isSuccess && (
        <div role="status" className="wide">
          <Alert
            type={requeue.data.stillRefused > 0 ? 'warning' : 'success'}
            showIcon
            closable={{ onClose: requeue.reset }}
            title={t('quarantine.requeued', requeue.data)}
          />
        </div>
      )}
      <Modal
        open={asking}
        title={t('quarantine.requeueTitle')}
        okText={t('quarantine.requeueOk')}
        cancelText={t('action.cancel')}
        confirmLoading={requeue.isPending}
        onOk={() => requeue.mutate()}
        onCancel={() => setAsking(false)}
      >
        <div className="confirm">
          <p>
            {t('quarantine.requeueScope', {
              terminal: filter.terminalId ?? t('quarantine.all'),
              reason: filter.reason === undefined ? t('quarantine.all') : wordFor(reasons, filter.reason),
            })}
          </p>
          <p>{t('quarantine.requeueText')}</p>
          <p className="quiet">{t('quarantine.requeueNote')}</p>
          {requeue.error && <Failure error={requeue.error} />}
        </div>
      </Modal>
    </>
  );
}
